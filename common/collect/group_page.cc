#include "common/collect/group_page.h"

#include <map>
#include <utility>

namespace exporter {
namespace {

/// A family of one source becomes a piece from this size on; smaller ones are faster to make again
/// than to look up.
constexpr std::size_t kLarge = 8 << 10;

/// The lines of a family, and the position of each source's lines in them.
struct Merged {
  struct Part {
    const Snapshot* snapshot;
    std::size_t family;
    std::string_view lines;
  };
  Samples::FamilyLines header;
  std::vector<Part> parts;
};

std::vector<Merged> merge(const GroupPage::Members& members, Format format) {
  std::vector<Merged> merged;
  std::map<std::string_view, std::size_t> places;
  for (const auto& member : members) {
    const auto families = member->samples().families();
    for (std::size_t i = 0; i < families.size(); ++i) {
      const auto place = places.try_emplace(families[i].name, merged.size()).first->second;
      if (place == merged.size()) merged.push_back({families[i], {}});
      const bool with_exemplars = families[i].has_exemplars && format == Format::openmetrics;
      const std::string_view lines =
          with_exemplars ? member->lines_with_exemplars(i) : families[i].lines;
      merged[place].parts.push_back({member.get(), i, lines});
    }
  }
  return merged;
}

}  // namespace

std::string_view GroupPage::Piece::text() const {
  return snapshot_ != nullptr ? lines_ : std::string_view(own_);
}

const Deflated& GroupPage::Piece::deflated() const {
  if (snapshot_ != nullptr) return snapshot_->deflated_family(family_, format_);
  std::call_once(form_->once, [&] { form_->deflated = deflate_blocks(own_, level_); });
  return form_->deflated;
}

const std::vector<GroupPage::Piece>& GroupPage::pieces(Format format) const {
  auto& pieces = pieces_[static_cast<std::size_t>(format)];
  std::call_once(pieces.once, [&] { pieces.all = make_pieces(format); });
  return pieces.all;
}

GroupPage::Piece GroupPage::own_piece() const {
  Piece piece;
  piece.level_ = members_.front()->level();
  piece.form_ = std::make_unique<Piece::Form>();
  return piece;
}

std::vector<GroupPage::Piece> GroupPage::make_pieces(Format format) const {
  std::vector<Piece> pieces;
  auto small = own_piece();
  const auto finish_small = [&] {
    if (!small.own_.empty()) pieces.push_back(std::exchange(small, own_piece()));
  };
  for (const auto& family : merge(members_, format)) {
    const auto& header = family.header;
    append_header(small.own_, header.type, header.name, header.help, format);
    for (const auto& part : family.parts) {
      if (part.lines.size() < kLarge) {
        small.own_ += part.lines;
        continue;
      }
      finish_small();
      auto& large = pieces.emplace_back();
      large.snapshot_ = part.snapshot;
      large.family_ = part.family;
      large.format_ = format;
      large.lines_ = part.lines;
    }
  }
  finish_small();
  return pieces;
}

}  // namespace exporter
