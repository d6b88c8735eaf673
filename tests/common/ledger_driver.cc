// Reads a history into a ledger, from its position to the end, and prints what it shows after each
// run, each page followed by "# at POSITION": ledger_driver FOLDER SEED REPORTS. It is killed at
// any point by ledger_history_test.cc.

#include <algorithm>
#include <iostream>
#include <string>

#include "common/base/text.h"
#include "tests/common/ledger_history.h"

using namespace exporter;

namespace {

constexpr std::size_t kOverlap = 50;  // reports that each run reads again

std::size_t position_of(const std::string& text) {
  return parse_number<std::size_t>(text).value_or(0);
}

void show(const Ledger& ledger, std::size_t position) {
  const auto text = history::page(ledger) + "# at " + std::to_string(position) + "\n";
  std::cout.write(text.data(), static_cast<std::streamsize>(text.size())).flush();
}

Deadline deadline() { return Deadline::in(std::chrono::minutes(1)); }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::uint64_t seed = std::stoull(argv[2]);
  const auto reports = history::reports(seed, std::stoul(argv[3]));
  Ledger ledger("killed", argv[1], history::kOptions, history::kBegin);
  auto position = position_of(ledger.begin(deadline()).metadata("position"));
  show(ledger, position);
  while (position < reports.size()) {
    const auto end = std::min(reports.size(), position + history::run_length(seed, position));
    auto run = ledger.begin(deadline(), reports[end - 1].now);
    for (auto i = position - std::min(position, kOverlap); i < end; ++i) {
      history::record(run, reports[i]);
    }
    run.set_metadata("position", std::to_string(end));
    run.commit();
    show(ledger, end);
    position = end;
  }
}
