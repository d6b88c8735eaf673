// The state that the cpu collector keeps between runs, which fixtures cannot test.

#include <catch2/catch.hpp>
#include <fstream>

#include "common/config/yaml.h"
#include "exporters/host/collectors.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
namespace fs = std::filesystem;

namespace {

/// A machine whose files the test changes between two runs of the collector.
class Machine {
 public:
  Machine()
      : collect_(collect_of(
            kCpu, {Settings(kCpu.flags, {{"collector.cpu.guest", {"false"}}}, nullptr),
                   directory_.path() / "proc", directory_.path() / "sys", "/", "/", upstreams()})) {
  }

  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((directory_.path() / file).parent_path());
    std::ofstream(directory_.path() / file) << text;
  }
  void write_cpu(int cpu, const std::string& file, const std::string& text) const {
    write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/" + file, text);
  }
  void remove_cpu(int cpu, const std::string& file) const {
    fs::remove_all(directory_.path() / ("sys/devices/system/cpu/cpu" + std::to_string(cpu)) / file);
  }

  /// The samples of one run without comments.
  std::string samples() const {
    Samples samples;
    collect_(samples, Deadline::in(std::chrono::seconds(10)));
    std::string page, lines;
    samples.render(Format::text, page);
    std::string_view rest = page;
    while (!rest.empty()) {
      const auto line = next_part(rest, '\n');
      if (!line.starts_with('#')) lines.append(line).append("\n");
    }
    return lines;
  }

 private:
  TemporaryDirectory directory_;
  CollectFunction collect_;
};

std::string seconds(const std::string& cpu, const std::string& idle, const std::string& iowait) {
  std::string lines;
  for (const std::string mode :
       {"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"}) {
    const auto value = mode == "idle" ? idle : mode == "iowait" ? iowait : "1";
    lines += "node_cpu_seconds_total{cpu=\"" + cpu + "\",mode=\"" + mode + "\"} " + value + '\n';
  }
  return lines;
}

std::string stat_line(const std::string& cpu, const std::string& idle, const std::string& iowait) {
  return "cpu" + cpu + " 100 100 100 " + idle + ' ' + iowait + " 100 100 100 0 0\n";
}

}  // namespace

TEST_CASE("a CPU's counter that goes back waits until it is passed") {
  const Machine machine;
  machine.write("proc/stat", stat_line("0", "1000", "500"));
  CHECK(machine.samples() == seconds("0", "10", "5"));
  machine.write("proc/stat", stat_line("0", "701", "499"));
  CHECK(machine.samples() == seconds("0", "10", "5"));
  machine.write("proc/stat", stat_line("0", "1100", "501"));
  CHECK(machine.samples() == seconds("0", "11", "5.01"));
}

TEST_CASE("a CPU whose idle time goes back by three seconds begins anew") {
  const Machine machine;
  machine.write("proc/stat", stat_line("0", "1000", "500"));
  CHECK(machine.samples() == seconds("0", "10", "5"));
  machine.write("proc/stat", stat_line("0", "700", "300"));
  CHECK(machine.samples() == seconds("0", "7", "3"));
}

TEST_CASE("a CPU that goes off line is forgotten, the others keep their counters") {
  const Machine machine;
  const auto all =
      stat_line("0", "1000", "500") + stat_line("1", "2000", "600") + stat_line("2", "3000", "700");
  machine.write("proc/stat", all);
  CHECK(machine.samples() ==
        seconds("0", "10", "5") + seconds("1", "20", "6") + seconds("2", "30", "7"));
  machine.write("proc/stat", stat_line("0", "1000", "500") + stat_line("2", "2999", "699"));
  CHECK(machine.samples() == seconds("0", "10", "5") + seconds("2", "30", "7"));
  machine.write("proc/stat", stat_line("0", "999", "500") + stat_line("1", "1999", "1") +
                                 stat_line("2", "2998", "698"));
  CHECK(machine.samples() ==
        seconds("0", "10", "5") + seconds("1", "19.99", "0.01") + seconds("2", "30", "7"));
}

TEST_CASE("throttles and states follow the CPUs that come and go") {
  const Machine machine;
  machine.write("sys/devices/system/cpu/present", "0-1\n");
  machine.write("sys/devices/system/cpu/online", "0-1\n");
  for (const int cpu : {0, 1}) {
    machine.write_cpu(cpu, "online", "1\n");
    machine.write_cpu(cpu, "topology/physical_package_id", "0\n");
    machine.write_cpu(cpu, "topology/core_id", std::to_string(cpu) + "\n");
    machine.write_cpu(cpu, "thermal_throttle/core_throttle_count", "5\n");
  }
  const std::string core0 = "node_cpu_core_throttles_total{package=\"0\",core=\"0\"} ";
  const std::string core1 = "node_cpu_core_throttles_total{package=\"0\",core=\"1\"} ";
  const std::string online0 = "node_cpu_online{cpu=\"0\"} ",
                    online1 = "node_cpu_online{cpu=\"1\"} ";
  CHECK(machine.samples() == core0 + "5\n" + core1 + "5\n" + online0 + "1\n" + online1 + "1\n");

  machine.write_cpu(0, "thermal_throttle/core_throttle_count", "6\n");
  machine.write("sys/devices/system/cpu/online", "0\n");
  machine.write_cpu(1, "online", "0\n");
  machine.remove_cpu(1, "topology");
  machine.remove_cpu(1, "thermal_throttle");
  CHECK(machine.samples() == core0 + "6\n" + online0 + "1\n" + online1 + "0\n");
}

TEST_CASE("a configuration file can set the info flag or the filters below its name") {
  const auto read = [](const std::string& text) {
    const auto file = Yaml::parse(text, "host.yml");
    return Settings(kCpu.flags, {}, &file);
  };
  const auto filter = read("collector: {cpu: {info: {flags-include: ^avx}}}");
  CHECK(filter.text("collector.cpu.info.flags-include") == "^avx");
  CHECK_FALSE(filter.enabled("collector.cpu.info"));
  CHECK(read("collector: {cpu: {info: true}}").enabled("collector.cpu.info"));
  CHECK_THROWS_WITH(read("collector: {cpu: {guest: {}}}"),
                    Catch::StartsWith("host.yml:1:26: collector.cpu.guest: "));
}
