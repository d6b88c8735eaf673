#include "exporters/sql/import.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "test_paths.h"
#include "tests/exporters/sql/imported.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"

namespace {

namespace fs = std::filesystem;

/// Imports a file as seen from its directory, so that places in it are the same everywhere.
std::string import_in(const fs::path& directory, const std::string& file) {
  const auto before = fs::current_path();
  fs::current_path(directory);
  auto text = exporter::sql::import_config(file);
  fs::current_path(before);
  return text;
}

}  // namespace

TEST_CASE("import: each key of each format, whole outputs, which --config.check accepts",
          "[sql][import]") {
  const std::string name =
      GENERATE("target", "jobs", "collectors", "justwatch", "query_exporter", "parameters");
  CAPTURE(name);
  const auto directory = fs::path(SOURCE_DIR) / "tests/fixtures/sql/import" / name;
  const auto file = fs::exists(directory / "config.yml") ? "config.yml" : "config.yaml";
  const auto text = import_in(directory, file);
  check_golden(directory / "expected.yml", text);
  CHECK(refusal_of(text).empty());
  CHECK(text.find("s3cr3t") == std::string::npos);
}

TEST_CASE("import: the flag prints it, or says what is wrong where", "[sql][import]") {
  const TemporaryDirectory directory;
  const auto good =
      directory.write("good.yml", "target: {data_source_name: 'sqlite:/x.db', collectors: []}\n");
  const auto printed = run_exporter("--import " + good);
  CHECK(printed.exit_code == 0);
  CHECK(printed.output == exporter::sql::import_config(good));
  CHECK_THAT(printed.output, Catch::EndsWith("sources:\n  - name: database\n    odbc: "
                                             "Driver=SQLite3;Database=/x.db\n"));

  const auto bad = directory.write("bad.yml", "target: {collectors: []}\n");
  const auto refused = run_exporter("--import=" + bad + " 2>&1");
  CHECK(refused.exit_code == 1);
  CHECK(refused.output == "sql_exporter: " + bad + ":1:9: target.data_source_name: missing\n");
  CHECK(run_exporter("--import /nowhere/config.yml 2>/dev/null").exit_code == 1);
}
