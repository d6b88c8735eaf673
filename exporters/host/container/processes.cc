#include "exporters/host/container/processes.h"

#include <unistd.h>

#include "common/base/text.h"

namespace exporter::host::container {

void count_processes(Processes& processes, std::string_view procs) {
  while (!procs.empty()) {
    const auto pid = next_part(procs, '\n');
    ++processes.count;
    if (processes.pid.empty() && pid != "0") processes.pid = pid;
  }
}

/// Field 22 of its stat file, in clock ticks since boot (proc(5)).
std::optional<double> start_of(Files& proc, std::string_view pid) {
  double booted = 0;
  if (const auto text = proc.read("stat")) {
    Lines lines(proc.path("stat"), *text);
    for (std::string_view line; lines.next(line);) {
      if (next_word(line) == "btime") booted = lines.number(next_word(line));
    }
  }
  const auto path = std::string(pid) + "/stat";
  const auto text = proc.read_once(path);
  const auto name_end = text ? text->rfind(')') : std::string_view::npos;
  if (name_end == std::string_view::npos) return std::nullopt;
  auto fields = trim(text->substr(name_end + 1));
  for (int field = 3; field < 22; ++field) next_word(fields);
  const auto ticks = Lines(proc.path(path), *text).number(next_word(fields));
  return booted + ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace exporter::host::container
