#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/config/json.h"

using exporter::Error;
using exporter::Json;
using exporter::Reason;

namespace {

/// Every failure must be an Error{decode} that starts with the reply's name and is valid UTF-8.
template <class Function>
void expect_decode_error(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    const std::string_view text = error.what();
    if (error.reason() != Reason::decode || !text.starts_with("GET /: ")) std::abort();
    if (!exporter::valid_utf8(text)) std::abort();
  }
}

void read(const Json& json) {
  expect_decode_error([&] {
    if (!exporter::valid_utf8(json.string())) std::abort();
  });
  expect_decode_error([&] {
    if (!std::isfinite(json.number())) std::abort();
  });
  expect_decode_error([&] { json.integer(); });
  expect_decode_error([&] { json.boolean(); });
  expect_decode_error([&] { json.time(); });
  expect_decode_error([&] {
    for (const auto& item : json.items()) read(item);
  });
  expect_decode_error([&] {
    for (const auto& [key, value] : json.members()) {
      read(value);
      json.find(key);
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect_decode_error([&] { read(Json::parse(text, "GET /")); });
  return 0;
}
