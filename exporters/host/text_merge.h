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

/// Puts the families of several texts onto one page. What comes first wins: of a family its type
/// and its help, of equal series the one.
class TextMerge {
 public:
  /// Takes in a text, which is borrowed until write() is done.
  void take(const std::string& path, const ParsedText& parsed);

  /// Adds all series, and says of each text that has some left out, or another help, why.
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
