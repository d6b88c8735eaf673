// An account whose time the test sets: snowflake_driver CONFIG STATE_DIRECTORY CLOCK COLLECTOR...
// CLOCK is a file of eight bytes, the time in microseconds since 1970, which the test maps too. For
// each line "collect" on standard input it runs these collectors of CONFIG's first account, all at
// once, and prints their page, a line "# failure COLLECTOR: TEXT" for each that failed, and "#
// end". For a line "past SECONDS" it prints their past since then, and "# end". It may be killed at
// any point.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "exporters/snowflake/account.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using snowflake::Account;

namespace {

std::int64_t* mapped_time = nullptr;

/// Throws Error{io}.
std::int64_t* map_time(const char* path) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  void* const memory =
      file < 0 ? MAP_FAILED : mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, file, 0);
  if (file >= 0) close(file);
  if (memory == MAP_FAILED) throw Error(Reason::io, std::string(path) + ": cannot be mapped");
  return static_cast<std::int64_t*>(memory);
}

std::chrono::sys_seconds test_time() {
  const std::chrono::microseconds time(std::atomic_ref<std::int64_t>(*mapped_time).load());
  return std::chrono::floor<std::chrono::seconds>(std::chrono::sys_time(time));
}

std::shared_ptr<Account> account_of(const char* config, const char* state) {
  const auto file = Yaml::load_file(config);
  const auto entry = file.required("accounts").items().at(0);
  const auto settings = std::make_shared<const Settings>(
      std::span<const Flag>(), std::map<std::string, std::vector<std::string>>(), nullptr);
  auto account = snowflake::kAccounts.make({entry.required("name").string(), entry, settings,
                                            upstreams(), std::make_shared<Ledgers>(state), false});
  account->clock = test_time;
  account->warehouse->spending().set_clock(test_time);
  account->past_warehouse->spending().set_clock(test_time);
  return account;
}

/// One collector, as in the Runner.
struct Driven {
  std::string_view name;
  CollectFunction collect;
  std::string page = {};

  void run() {
    Samples samples;
    std::string failure;
    try {
      collect(samples, Deadline::in(std::chrono::minutes(10)));
      if (samples.failure()) failure = samples.failure()->what();
    } catch (const Error& error) {
      failure = error.what();
    }
    page.clear();
    samples.render(Format::text, page);
    if (!failure.empty()) page += "# failure " + std::string(name) + ": " + failure + '\n';
  }
};

void print_past(const std::shared_ptr<Account>& account, const std::vector<std::string_view>& names,
                std::chrono::sys_seconds from) {
  TimedSamples page;
  for (const auto* module : snowflake::kModules) {
    if (std::ranges::find(names, module->name) == names.end() || !module->make_past) continue;
    const auto read = module->make_past(account, {from, std::nullopt, std::chrono::hours(1)});
    read(std::chrono::sys_seconds::max(), page, Deadline::in(std::chrono::minutes(10)));
  }
  page.write([](std::string_view text) { std::cout << text; });
}

void drive(const std::shared_ptr<Account>& account, const std::vector<std::string_view>& names) {
  std::vector<Driven> collectors;
  for (const auto* module : snowflake::kModules) {
    if (std::ranges::find(names, module->name) == names.end()) continue;
    collectors.push_back({module->name, module->make(account)});
  }
  Driven own_cost{snowflake::kOwnCost.name, snowflake::kOwnCost.make(account)};
  Driven read_times{snowflake::kReadTimes.name, snowflake::kReadTimes.make(account)};
  for (std::string line; std::getline(std::cin, line);) {
    if (line.starts_with("past ")) {
      print_past(account, names,
                 std::chrono::sys_seconds(std::chrono::seconds(std::stoll(line.substr(5)))));
      std::cout << "# end" << std::endl;
      continue;
    }
    {
      std::vector<std::jthread> threads;
      threads.reserve(collectors.size());
      for (auto& each : collectors) threads.emplace_back([&each] { each.run(); });
    }
    own_cost.run();
    read_times.run();
    for (const auto& each : collectors) std::cout << each.page;
    std::cout << own_cost.page << read_times.page << "# end" << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  try {
    mapped_time = map_time(argv[3]);
    drive(account_of(argv[1], argv[2]), {argv + 4, argv + argc});
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
