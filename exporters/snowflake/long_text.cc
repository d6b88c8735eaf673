#include "exporters/snowflake/long_text.h"

namespace exporter::snowflake {
namespace {

constexpr std::size_t kMostChunks = 64;  // 4 MB

}  // namespace

/// In pieces; the last one is shorter.
void set_long_text(Ledger::Run& run, const std::string& key, std::string_view text) {
  if (text.size() >= kMostChunks * Ledger::kMaxMetadata) text = {};
  for (std::size_t i = 0, at = 0; at <= text.size(); ++i, at += Ledger::kMaxMetadata) {
    run.set_metadata(key + std::to_string(i), text.substr(at, Ledger::kMaxMetadata));
  }
}

std::string long_text(Ledger::Run& run, const std::string& key) {
  std::string text;
  for (std::size_t i = 0; i < kMostChunks; ++i) {
    const auto piece = run.metadata(key + std::to_string(i));
    text += piece;
    if (piece.size() < Ledger::kMaxMetadata) break;
  }
  return text;
}

}  // namespace exporter::snowflake
