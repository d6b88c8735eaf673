#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/sql/connection_string.h"

using namespace exporter;
using namespace exporter::sql;

namespace {

constexpr std::string_view kPassword = "hush} ;=hush";

/// Its text must parse to the same, and no error may contain a password.
void check(std::string_view text) {
  try {
    ConnectionString string(text);
    string.add_defaults(std::chrono::seconds(10));
    const ConnectionString again(string.text());
    if (again.text() != string.text() || again.dialect() != string.dialect()) std::abort();
    if (!std::string(string.with_password(kPassword).reveal()).starts_with(string.text())) {
      std::abort();
    }
  } catch (const Error& error) {
    if (error.reason() != Reason::config) std::abort();
    if (std::string_view(error.what()).find("hush") != std::string_view::npos) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text.find("hush") != text.npos) return 0;
  check(text);
  check("Driver=SQLite3;Pwd={hush}} ;=hush};" + text);
  check(text + ";Password=hush");
  return 0;
}
