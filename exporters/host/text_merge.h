#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/metric/text_parser.h"

namespace exporter::host {

/// Merges the families of several texts into one page. The first text wins: for the type and the
/// help of a family, and for duplicate series.
class TextMerge {
 public:
  /// Adds a text, which must stay valid until write() returns.
  void take(const std::string& path, const ParsedText& parsed);

  /// Adds all series, and reports for each text why series were left out or its help is another
  /// one.
  std::map<std::string, std::string> write(Samples& samples);

 private:
  struct Header {
    MetricType type;
    std::optional<std::string_view> help;
    std::string first_path, paths;
  };
  struct Text {
    std::string path;
    const ParsedText* parsed;
  };

  void write(Samples& samples, const Text& text, const TextFamily& family, const Header& header);
  void complain(const Text& text, std::string why);

  std::vector<Text> texts_;
  std::unordered_map<std::string_view, Header> headers_;
  std::unordered_set<std::string> seen_;
  std::map<std::string, std::string> complaints_;
};

}  // namespace exporter::host
