// The collectors that use system calls, which fixtures cannot replace: their pages are compared
// with the results of the test's own calls.

#include <sys/timex.h>
#include <sys/utsname.h>

#include <catch2/catch.hpp>
#include <ctime>
#include <fstream>
#include <map>

#include "common/base/time.h"
#include "exporters/host/collectors.h"
#include "tests/exporters/host/collect_of.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::host;
namespace fs = std::filesystem;

namespace {

std::string page_of(const host::Module& module, const std::string& sysfs = "/nonexistent") {
  const Settings settings(module.flags, {}, nullptr);
  const auto collect = collect_of(
      module, {settings, "/nonexistent", sysfs, "/nonexistent", "/nonexistent", upstreams()});
  Samples samples;
  collect(samples, Deadline::in(std::chrono::seconds(10)));
  std::string page;
  samples.render(Format::text, page);
  return page;
}

/// The values of a page by their series.
std::map<std::string, double> values_of(std::string_view page) {
  std::map<std::string, double> values;
  while (!page.empty()) {
    const auto line = next_part(page, '\n');
    if (line.starts_with('#')) continue;
    const auto blank = line.rfind(' ');
    values[std::string(line.substr(0, blank))] =
        parse_number<double>(line.substr(blank + 1)).value();
  }
  return values;
}

std::string text_of(double value) {
  std::string text;
  append_value(text, value);
  return text;
}

}  // namespace

TEST_CASE("uname gives what the system call says") {
  utsname name{};
  REQUIRE(::uname(&name) == 0);
  const auto label = [](const std::string& label_name, const char* value) {
    std::string text = label_name + "=\"";
    append_label_value(text, value);
    return text + '"';
  };
  CHECK(page_of(kUname) ==
        "# HELP node_uname_info Labeled system information as provided by the uname system call.\n"
        "# TYPE node_uname_info gauge\n"
        "node_uname_info{" +
            label("sysname", name.sysname) + ',' + label("release", name.release) + ',' +
            label("version", name.version) + ',' + label("machine", name.machine) + ',' +
            label("nodename", name.nodename) + ',' + label("domainname", name.domainname) +
            "} 1\n");
}

TEST_CASE("time gives the clock, the zone and the sources of the clock") {
  const TemporaryDirectory sys;
  const auto directory = sys.path() / "devices/system/clocksource";
  for (const std::string device : {"clocksource0", "clocksource7", "power"}) {
    fs::create_directories(directory / device);
    std::ofstream(directory / device / "available_clocksource") << "tsc kvm-clock \n";
    std::ofstream(directory / device / "current_clocksource") << "tsc\n";
  }
  const double before = unix_now();
  const auto page = page_of(kTime, sys.path());
  const double after = unix_now();

  const auto now = values_of(page).at("node_time_seconds");
  CHECK(now >= before);
  CHECK(now <= after);
  const auto seconds = static_cast<std::time_t>(now);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  CHECK(page ==
        "# HELP node_time_seconds System time in seconds since epoch (1970).\n"
        "# TYPE node_time_seconds gauge\n"
        "node_time_seconds " +
            text_of(now) +
            "\n"
            "# HELP node_time_zone_offset_seconds System time zone offset in seconds.\n"
            "# TYPE node_time_zone_offset_seconds gauge\n"
            "node_time_zone_offset_seconds{time_zone=\"" +
            local.tm_zone + "\"} " + text_of(static_cast<double>(local.tm_gmtoff)) +
            "\n"
            "# HELP node_time_clocksource_available_info Available clocksources read from "
            "'/sys/devices/system/clocksource'.\n"
            "# TYPE node_time_clocksource_available_info gauge\n"
            "node_time_clocksource_available_info{device=\"0\",clocksource=\"tsc\"} 1\n"
            "node_time_clocksource_available_info{device=\"0\",clocksource=\"kvm-clock\"} 1\n"
            "node_time_clocksource_available_info{device=\"1\",clocksource=\"tsc\"} 1\n"
            "node_time_clocksource_available_info{device=\"1\",clocksource=\"kvm-clock\"} 1\n"
            "# HELP node_time_clocksource_current_info Current clocksource read from "
            "'/sys/devices/system/clocksource'.\n"
            "# TYPE node_time_clocksource_current_info gauge\n"
            "node_time_clocksource_current_info{device=\"0\",clocksource=\"tsc\"} 1\n"
            "node_time_clocksource_current_info{device=\"1\",clocksource=\"tsc\"} 1\n");
}

TEST_CASE("timex gives the state of the kernel's clock, all of it or, where forbidden, nothing") {
  timex before{}, after{};
  const int state = ::adjtimex(&before);
  const auto values = values_of(page_of(kTimex));
  if (state < 0) {
    CHECK(values.empty());
    return;
  }
  REQUIRE(::adjtimex(&after) >= 0);

  const auto at = [&](const std::string& name) { return values.at("node_timex_" + name); };
  CHECK(values.size() == 17);
  const auto unit = (before.status & STA_NANO) != 0 ? 1e9 : 1e6;
  const auto check_between = [](double low, double value, double high) {
    CHECK(std::min(low, high) <= value);
    CHECK(std::max(low, high) >= value);
  };
  const auto number = [](auto value) { return static_cast<double>(value); };
  check_between(number(before.offset) / unit, at("offset_seconds"), number(after.offset) / unit);
  check_between(number(before.maxerror) / 1e6, at("maxerror_seconds"),
                number(after.maxerror) / 1e6);
  check_between(number(before.esterror) / 1e6, at("estimated_error_seconds"),
                number(after.esterror) / 1e6);
  check_between(1 + number(before.freq) / 65536e6, at("frequency_adjustment_ratio"),
                1 + number(after.freq) / 65536e6);
  CHECK(at("sync_status") == (state == TIME_ERROR ? 0 : 1));
  CHECK(at("status") == before.status);
  CHECK(at("loop_time_constant") == number(before.constant));
  CHECK(at("tick_seconds") == number(before.tick) / 1e6);
  CHECK(at("tai_offset_seconds") == before.tai);
  CHECK(at("pps_frequency_hertz") == number(before.ppsfreq) / 65536e6);
  CHECK(at("pps_jitter_seconds") == number(before.jitter) / unit);
  CHECK(at("pps_shift_seconds") == before.shift);
  CHECK(at("pps_stability_hertz") == number(before.stabil) / 65536e6);
  CHECK(at("pps_jitter_total") == number(before.jitcnt));
  CHECK(at("pps_calibration_total") == number(before.calcnt));
  CHECK(at("pps_error_total") == number(before.errcnt));
  CHECK(at("pps_stability_exceeded_total") == number(before.stbcnt));
}
