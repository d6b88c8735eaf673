#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/metric/text_parser.h"

using namespace exporter;

namespace {

std::string render(const ParsedText& parsed) {
  Samples samples;
  for (const auto& family : parsed.families) {
    for (const auto& series : family.series) {
      add_series(samples, family, family.help.value_or("none"), series);
    }
  }
  std::string page;
  samples.render(Format::text, page);
  return page;
}

}  // namespace

/// If the parser accepts a text, it must render to a page that parses to the same page; if not, the
/// error must be an Error{decode} with a line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  ParsedText parsed;
  try {
    parsed = parse_text(text, "x");
  } catch (const Error& error) {
    if (error.reason() != Reason::decode || !std::string_view(error.what()).starts_with("x:")) {
      std::abort();
    }
    return 0;
  }
  const auto page = render(parsed);
  if (render(parse_text(page, "x")) != page) std::abort();
  return 0;
}
