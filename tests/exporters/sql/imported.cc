#include "tests/exporters/sql/imported.h"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <stdexcept>

#include "exporters/sql/import.h"
#include "tests/support/temporary_folder.h"

std::string imported(const std::string& text) {
  const TemporaryFolder folder;
  return exporter::sql::import_config(folder.write("theirs.yml", text));
}

std::string refusal_of(const std::string& config) {
  const TemporaryFolder folder;
  const auto command =
      SQL_EXPORTER " --config.check --config.file='" + folder.write("ours.yml", config) + "' 2>&1";
  auto* output = ::popen(command.c_str(), "r");
  if (output == nullptr) throw std::runtime_error("popen");
  std::string said;
  std::array<char, 1000> piece{};
  while (const auto size = std::fread(piece.data(), 1, piece.size(), output)) {
    said.append(piece.data(), size);
  }
  return ::pclose(output) == 0 ? std::string() : "refused: " + said;
}
