// Runs a history on a ledger, from its position to the end, and prints the page after each run,
// followed by "# at POSITION": ledger_driver DIRECTORY SEED RUNS. ledger_kill_test.cc kills it at
// any point.

#include <iostream>
#include <string>

#include "common/base/text.h"
#include "tests/common/ledger_history.h"

using namespace exporter;

namespace {

Deadline deadline() { return Deadline::in(std::chrono::minutes(1)); }

void show(const Ledger& ledger, std::size_t position) {
  const auto text = history::page(ledger) + "# at " + std::to_string(position) + "\n";
  std::cout.write(text.data(), static_cast<std::streamsize>(text.size())).flush();
}

std::size_t position_of(Ledger& ledger) {
  auto run = ledger.begin(deadline(), {}, history::kCreated);
  return parse_number<std::size_t>(run.metadata("position")).value_or(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto runs = history::runs(std::stoull(argv[2]), std::stoul(argv[3]));
  Ledger ledger("killed", argv[1], {}, history::kCreated);
  auto position = position_of(ledger);
  show(ledger, position);
  while (position < runs.size()) {
    const auto& next = runs[position++];
    auto run = ledger.begin(deadline(), next.options, next.now);
    history::apply(next, run);
    run.set_metadata("position", std::to_string(position));
    run.commit();
    show(ledger, position);
  }
}
