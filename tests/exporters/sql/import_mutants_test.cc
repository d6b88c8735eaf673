#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/collect/family_names.h"
#include "common/sql/connection_string.h"
#include "exporters/sql/collector_config.h"
#include "exporters/sql/import.h"
#include "test_paths.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"

namespace {

namespace fs = std::filesystem;
using namespace exporter;

/// Checks the configuration as --config.check does, in this process. Throws Error.
void check_accepted(const std::string& text) {
  const auto file = Yaml::parse(text, "ours.yml");
  std::vector<std::string> names;
  for (const auto& entry : file.required("sources").items()) {
    names.push_back(entry.required("name").string());
    entry.optional_secret("password");
    entry.optional("connections");
  }
  FamilyNames families;
  for (const auto& entry : file.required("sources").items()) {
    const sql::ConnectionString string(entry.required("odbc").string());
    const auto collectors = file.optional("collectors");
    if (!collectors) continue;
    for (const auto& collector : sql::read_collectors(*collectors, entry.required("name").string(),
                                                      names, string.dialect())) {
      for (const auto& metric : collector->metrics) {
        families.declare(collector->name, metric->view());
      }
    }
  }
  file.finish();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n', start)) {
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

/// The text with one line left out, and with one value replaced by those of other types.
std::vector<std::string> mutants_of(const std::string& text) {
  const std::vector<std::string> values{
      "null", "5",    "-1",     "text",   "'a b'",  "[]",  "{}",
      "[[]]", "[{}]", "{a: b}", "[a, a]", "!env X", "0.1", "99999999999999999999",
      "''",   "true", "1e400"};
  std::vector<std::string> mutants;
  const auto lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto mutant = lines;
    mutant.erase(mutant.begin() + static_cast<std::ptrdiff_t>(i));
    mutants.push_back(joined(mutant));
    const auto colon = lines[i].find(": ");
    const auto dash = lines[i].find("- ");
    const auto at = colon != lines[i].npos ? colon + 2 : dash != lines[i].npos ? dash + 2 : 0;
    if (at == 0) continue;
    for (const auto& value : values) {
      mutant = lines;
      mutant[i] = lines[i].substr(0, at) + value;
      mutants.push_back(joined(mutant));
    }
  }
  return mutants;
}

}  // namespace

TEST_CASE("import: whatever stands in a key, it is an error with its place or a configuration",
          "[sql][import]") {
  const std::string name =
      GENERATE("target", "jobs", "collectors", "justwatch", "query_exporter", "parameters");
  const auto fixture = fs::path(SOURCE_DIR) / "tests/fixtures/sql/import" / name;
  const TemporaryDirectory directory;
  fs::copy(fixture, directory.path() / "theirs", fs::copy_options::recursive);
  const auto file = directory.path() / "theirs" /
                    (fs::exists(fixture / "config.yml") ? "config.yml" : "config.yaml");
  int imported = 0;
  for (const auto& mutant : mutants_of(read_file(file))) {
    std::ofstream(file) << mutant;
    std::string text;
    INFO(mutant);
    try {
      text = sql::import_config(file);
    } catch (const Error& error) {
      if (error.reason() != Reason::config) FAIL(error.what());
      if (std::string(error.what()).find("s3cr3t") != std::string::npos) FAIL(error.what());
      continue;
    }
    ++imported;
    INFO(text);
    if (text.find("s3cr3t") != std::string::npos) FAIL("a password");
    try {
      check_accepted(text);
    } catch (const std::exception& error) {
      FAIL(error.what());
    }
  }
  CHECK(imported > 50);
}
