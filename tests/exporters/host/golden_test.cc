// Each directory fixtures/host/<collector>/<case>/ is a machine: proc/, sys/, root/ and udev/, with
// the flags of its case in `flags` (one a line). A run of the collector on it gives expected.prom,
// or the error in expected.error.

#include "tests/support/golden.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "common/base/error.h"
#include "exporters/host/collectors.h"
#include "test_paths.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
namespace fs = std::filesystem;

namespace {

/// These depend on the system, the clock and the network. Each has its own test.
const std::set<std::string> kNotFromFiles = {"ethtool", "network_route", "probe", "qdisc",
                                             "systemd", "time",          "timex", "uname"};

const fs::path kFixtures = fs::path(SOURCE_DIR) / "tests/fixtures/host";

const host::Module& module_of(const std::string& name) {
  for (const auto* module : modules()) {
    if (module->name == name) return *module;
  }
  FAIL("no collector " << name);
  throw std::logic_error("unreachable");
}

std::map<std::string, std::vector<std::string>> flags_of(const fs::path& machine) {
  std::map<std::string, std::vector<std::string>> given;
  std::ifstream in(machine / "flags");
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    REQUIRE(line.starts_with("--"));
    REQUIRE(equals != std::string::npos);
    auto value = line.substr(equals + 1);
    if (value.starts_with("MACHINE/")) value.replace(0, 7, machine.string());
    given[line.substr(2, equals - 2)].push_back(value);
  }
  return given;
}

/// The flags of all collectors, because some read another's.
std::vector<Flag> all_flags() {
  std::vector<Flag> flags;
  for (const auto* module : modules()) {
    flags.insert(flags.end(), module->flags.begin(), module->flags.end());
  }
  return flags;
}

std::string without(std::string text, const std::string& prefix) {
  for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
    text.erase(at, prefix.size());
  }
  return text;
}

/// Replaces values that are the time of the run by NOW.
std::string without_time(const std::string& page) {
  static const std::regex kNow("(\ncontainer_last_seen\\{[^\n]*\\}) [0-9.e+]+");
  return std::regex_replace(page, kNow, "$1 NOW");
}

/// The page, with dropped samples and the failure of the run as comments; or "error: " and the
/// exception. Paths are relative to the machine.
std::string run(const CollectFunction& collect, const fs::path& machine) {
  Samples samples;
  try {
    collect(samples, Deadline::in(std::chrono::seconds(10)));
  } catch (const Error& error) {
    return "error: " + without(error.what(), machine.string() + "/") + '\n';
  }
  std::string page;
  samples.render(Format::text, page);
  const auto& left_out = samples.first_malformed_row();
  if (!left_out.empty()) page += "# left out: " + without(left_out, machine.string() + "/") + '\n';
  if (samples.failure()) {
    page += "# failed: " + without(samples.failure()->what(), machine.string() + "/") + '\n';
  }
  return without_time(without(page, machine.string()));
}

void check_declared(const host::Module& module, const CollectFunction& collect) {
  Samples samples;
  try {
    collect(samples, Deadline::in(std::chrono::seconds(10)));
  } catch (const Error&) {
    return;
  }
  CHECK(samples.duplicates() == 0);
  for (const auto& family : samples.families()) {
    const auto name = family.name;
    INFO("family " << name << " of collector " << module.name);
    CHECK(std::any_of(module.metrics.begin(), module.metrics.end(),
                      [&](const MetricView& metric) { return matches(metric.name, name); }));
  }
}

}  // namespace

TEST_CASE("a recorded machine gives the expected page") {
  std::set<std::string> tested;
  for (const auto& collector : fs::directory_iterator(kFixtures)) {
    if (!collector.is_directory() || collector.path().filename() == "machines") continue;
    const auto& module = module_of(collector.path().filename());
    for (const auto& machine : fs::directory_iterator(collector)) {
      if (!machine.is_directory()) continue;
      const auto given = flags_of(machine);
      const Settings settings(all_flags(), given, nullptr);
      const auto root = machine.path().string();
      const auto collect = collect_of(module, {settings, root + "/proc", root + "/sys",
                                               root + "/root", root + "/udev", upstreams()});
      const auto page = run(collect, machine);
      const bool failed = page.starts_with("error: ");
      check_golden(machine.path() / (failed ? "expected.error" : "expected.prom"), page);
      CHECK(fs::exists(machine.path() / "expected.prom") !=
            fs::exists(machine.path() / "expected.error"));
      INFO("second run on " << root);
      CHECK(run(collect, machine) == page);
      check_declared(module, collect);
      if (!failed && page.size() > 0) tested.insert(std::string(module.name));
    }
  }
  for (const auto* module : modules()) {
    INFO("collector " << module->name << " has no fixture that gives samples");
    const std::string name(module->name);
    CHECK((tested.contains(name) || kNotFromFiles.contains(name)));
  }
}

TEST_CASE("blank lines in a file of /proc change nothing") {
  for (const auto* name :
       {"arp",        "buddyinfo", "cgroups", "conntrack", "cpu",       "diskstats",  "drbd",
        "interrupts", "ipvs",      "lnstat",  "mdadm",     "meminfo",   "mountstats", "netdev",
        "netstat",    "nfs",       "nfsd",    "pressure",  "schedstat", "slabinfo",   "sockstat",
        "softirqs",   "softnet",   "stat",    "swap",      "tcpstat",   "udp_queues", "vmstat",
        "xfrm",       "zfs",       "zoneinfo"}) {
    INFO(name);
    const auto typical = kFixtures / name / "typical";
    const TemporaryDirectory machine;
    fs::copy(typical / "proc", machine.path() / "proc", fs::copy_options::recursive);
    for (const auto& file : fs::recursive_directory_iterator(machine.path() / "proc")) {
      if (!file.is_regular_file()) continue;
      const auto text = read_file(file.path());
      std::ofstream(file.path()) << std::regex_replace(text, std::regex("\n"), "\n \n\n");
    }
    const Settings settings(all_flags(), flags_of(typical), nullptr);
    const auto collect =
        collect_of(module_of(name), {settings, machine.path() / "proc", typical / "sys",
                                     typical / "root", typical / "udev", upstreams()});
    CHECK(run(collect, machine.path()) == read_file(typical / "expected.prom"));
  }
}

TEST_CASE("each collector is listed once, in the order of the names") {
  for (std::size_t i = 1; i < modules().size(); ++i) {
    CHECK(modules()[i - 1]->name < modules()[i]->name);
  }
}

TEST_CASE("a machine without any files gives no samples and no error") {
  for (const auto* module : modules()) {
    const Settings settings(all_flags(), {}, nullptr);
    const std::string nowhere = "/nonexistent";
    const auto collect =
        collect_of(*module, {settings, nowhere, nowhere, nowhere, nowhere, upstreams()});
    const auto page = run(collect, nowhere);
    INFO("collector " << module->name << ": " << page);
    const bool nothing_read = page.ends_with("\nnode_textfile_scrape_error 0\n");
    CHECK((page.empty() || nothing_read || kNotFromFiles.contains(std::string(module->name))));
  }
}
