#include "tests/exporters/sql/imported.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <stdexcept>

#include "exporters/sql/import.h"
#include "test_paths.h"
#include "tests/support/temporary_directory.h"

Ran run_exporter(const std::string& arguments) {
  auto* output = ::popen((SQL_EXPORTER " " + arguments).c_str(), "r");
  if (output == nullptr) throw std::runtime_error("popen");
  Ran ran{};
  std::array<char, 1000> piece{};
  while (const auto size = std::fread(piece.data(), 1, piece.size(), output)) {
    ran.output.append(piece.data(), size);
  }
  ran.exit_code = WEXITSTATUS(::pclose(output));
  return ran;
}

std::string imported(const std::string& text) {
  const TemporaryDirectory directory;
  return exporter::sql::import_config(directory.write("theirs.yml", text));
}

std::string refusal_of(const std::string& config) {
  const TemporaryDirectory directory;
  const auto file = directory.write("ours.yml", config);
  const auto ran = run_exporter("--config.check --config.file='" + file + "' 2>&1");
  return ran.exit_code == 0 ? std::string() : "refused: " + ran.output;
}
