#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/metric/snapshot.h"

namespace exporter {

/// The page of the collectors with one name, each of another source: the header of each family
/// once, then the lines of all sources. Families with many lines of one source are pieces of their
/// own, which belong to its snapshot, so that they keep their rendered forms when other sources
/// change.
class GroupPage {
 public:
  using Members = std::vector<std::shared_ptr<const Snapshot>>;

  /// Takes at least one snapshot; the samples must be grouped by family.
  explicit GroupPage(Members members) : members_(std::move(members)) {}

  const Members& members() const { return members_; }

  /// A stretch of the page: borrowed from the GroupPage and the snapshots that it holds.
  class Piece {
   public:
    std::string_view text() const;
    const Deflated& deflated() const;

   private:
    friend class GroupPage;
    const Snapshot* snapshot_ = nullptr;  ///< whose family it is
    std::size_t family_ = 0;
    Format format_ = Format::text;
    std::string_view lines_;
    std::string own_;  ///< the text of a piece with headers and families of few lines
    int level_ = 0;
    struct Form {
      std::once_flag once;
      Deflated deflated;
    };
    std::unique_ptr<Form> form_;
  };
  const std::vector<Piece>& pieces(Format format) const;

 private:
  struct Pieces {
    std::once_flag once;
    std::vector<Piece> all;
  };
  std::vector<Piece> make_pieces(Format format) const;
  Piece own_piece() const;

  Members members_;
  mutable std::array<Pieces, 2> pieces_;
};

}  // namespace exporter
