#include "tests/exporters/sql/shop.h"

#include <sqlite3.h>

#include <catch2/catch.hpp>

#include "tests/support/upstreams.h"

namespace exporter::sql {

Shop::Shop() {
  REQUIRE(::sqlite3_open((directory_.path() / "shop.db").c_str(), &database_) == SQLITE_OK);
  execute("PRAGMA synchronous = OFF");
}

Shop::~Shop() { ::sqlite3_close(database_); }

void Shop::execute(const std::string& sql) {
  char* error = nullptr;
  const auto code = ::sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &error);
  INFO(sql << ": " << (error == nullptr ? "" : error));
  ::sqlite3_free(error);
  REQUIRE(code == SQLITE_OK);
}

std::string Shop::text(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  REQUIRE(::sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
  REQUIRE(::sqlite3_step(statement) == SQLITE_ROW);
  const std::string text = reinterpret_cast<const char*>(::sqlite3_column_text(statement, 0));
  ::sqlite3_finalize(statement);
  return text;
}

std::string Shop::odbc() const {
  return "Driver=SQLite3;Database=" + (directory_.path() / "shop.db").string();
}

std::shared_ptr<Source> Shop::source(const std::string& configuration) {
  const auto file = Yaml::parse(
      "sources:\n  - name: shop\n    odbc: " + odbc() + "\n" + configuration, "test.yml");
  const auto entry = file.required("sources").items().front();
  auto source =
      kSources.make({"shop", entry, nullptr, upstreams(),
                     std::make_shared<Ledgers>(directory_.path() / "state"), false, true, &file});
  file.finish();
  return source;
}

std::string Shop::page(const CollectFunction& collect) {
  Samples samples;
  collect(samples, Deadline::in(std::chrono::seconds(60)));
  if (samples.failure()) throw Error(*samples.failure());
  std::string text, lines;
  samples.render(Format::text, text);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at) + 1;
    if (text[at] != '#') lines += text.substr(at, end - at);
    at = end;
  }
  return lines;
}

Collector Shop::collector(const std::shared_ptr<Source>& source, std::string_view name) {
  for (auto& collector : kSources.describe(source)) {
    if (collector.name == name) return collector;
  }
  FAIL("no collector is called " << name);
  return {};
}

std::string Shop::page(const std::shared_ptr<Source>& source, std::string_view name) {
  return page(collector(source, name).collect);
}

}  // namespace exporter::sql
