#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/error.h"
#include "common/config/yaml.h"

using exporter::Error;
using exporter::Reason;
using exporter::Yaml;

namespace {

/// Every failure must be an Error{config} that starts with the document's name.
template <class Function>
void expect_config_error(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (error.reason() != Reason::config || !text.starts_with("f.yml:")) std::abort();
  }
}

void read(const Yaml& yaml) {
  expect_config_error([&] { yaml.finish(); });
  expect_config_error([&] { yaml.string(); });
  expect_config_error([&] { yaml.number(); });
  expect_config_error([&] { yaml.integer(); });
  expect_config_error([&] { yaml.boolean(); });
  expect_config_error([&] { yaml.duration(); });
  expect_config_error([&] { yaml.required("a"); });
  expect_config_error([&] { yaml.optional_secret("b"); });
  if (yaml.is_map()) {
    for (const auto& [key, value] : yaml.entries()) read(value);
  } else if (yaml.is_sequence()) {
    for (const auto& item : yaml.items()) read(item);
  }
  yaml.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect_config_error([&] { read(Yaml::parse(text, "f.yml")); });
  return 0;
}
