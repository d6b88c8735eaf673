#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/metric/snapshot.h"

namespace exporter {

/// The page of collectors of one name, each of another source: each family's header once, below it
/// the lines of all of them. Families with many lines of one source are pieces of their own, which
/// belong to its snapshot: when one source has changed, those of the others keep their forms.
class GroupPage {
 public:
  using Members = std::vector<std::shared_ptr<const Snapshot>>;

  /// Of at least one snapshot, whose samples are grouped by family.
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
    std::string own_;  ///< the text of one that has headers and families with few lines
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
