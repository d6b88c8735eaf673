#include "common/base/time_zone.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <random>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/time.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace std::chrono;

namespace {

using Twice = TimeZone::Twice;

local_seconds local(int year, unsigned month, unsigned day, int hour, int minute) {
  return local_days(std::chrono::year(year) / static_cast<int>(month) / static_cast<int>(day)) +
         hours(hour) + minutes(minute);
}

std::string moment(const TimeZone& zone, local_seconds time, Twice twice = Twice::first) {
  return format_rfc3339(zone.moment_of(time, twice)).substr(0, 16);
}

/// The C library's time zone, which is one for the process.
class CLibrary {
 public:
  ~CLibrary() {
    unsetenv("TZ");
    tzset();
  }
  void set(const std::string& zone) {
    setenv("TZ", zone.c_str(), 1);
    tzset();
  }
  static seconds offset_at(sys_seconds time) {
    const auto when = system_clock::to_time_t(time);
    std::tm local{};
    localtime_r(&when, &local);
    return seconds(local.tm_gmtoff);
  }
};

const std::string kDirectory = "/usr/share/zoneinfo/";

}  // namespace

TEST_CASE("all zones have the offsets that the C library has") {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> instants(0, 4'102'444'800);  // until 2100
  CLibrary library;
  std::size_t zones = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kDirectory)) {
    const auto name = entry.path().string().substr(kDirectory.size());
    if (!entry.is_regular_file() || name.starts_with("right/")) continue;
    const auto zone = TimeZone::parse(read_file_within(entry.path().string(), 1u << 20, 5s));
    if (!zone) continue;
    ++zones;
    library.set(":" + entry.path().string());
    INFO(name);
    int differences = 0;
    for (int i = 0; i < 200; ++i) {
      const sys_seconds time{seconds(instants(random))};
      differences += zone->offset_at(time) != CLibrary::offset_at(time) ? 1 : 0;
    }
    CHECK(differences == 0);
  }
  CHECK(zones > 300);
}

TEST_CASE("the rule of a zone holds after its last change") {
  const auto content = read_file_within(kDirectory + "America/New_York", 1u << 20, 5s);
  const auto zone = TimeZone::parse(content);
  REQUIRE(zone);
  CHECK(zone->offset_at(sys_days(2150y / 1 / 15)) == -5h);
  CHECK(zone->offset_at(sys_days(2150y / 7 / 15)) == -4h);
}

TEST_CASE("when clocks go forward, a time that they leave out is when they do") {
  const auto berlin = TimeZone::load("Europe/Berlin");
  CHECK(moment(berlin, local(2026, 3, 29, 1, 59)) == "2026-03-29T00:59");
  for (const auto twice : {Twice::first, Twice::last}) {
    CHECK(moment(berlin, local(2026, 3, 29, 2, 30), twice) == "2026-03-29T01:00");
  }
  CHECK(moment(berlin, local(2026, 3, 29, 3, 0)) == "2026-03-29T01:00");
  // A change at midnight, and one of half an hour.
  CHECK(moment(TimeZone::load("America/Havana"), local(2026, 3, 8, 0, 30)) == "2026-03-08T05:00");
  CHECK(moment(TimeZone::load("Australia/Lord_Howe"), local(2026, 10, 4, 2, 15)) ==
        "2026-10-03T15:30");
  // A day that the zone skipped.
  CHECK(moment(TimeZone::load("Pacific/Apia"), local(2011, 12, 30, 6, 0)) == "2011-12-30T10:00");
}

TEST_CASE("when clocks go back, a time is there twice") {
  const auto berlin = TimeZone::load("Europe/Berlin");
  CHECK(moment(berlin, local(2026, 10, 25, 2, 30), Twice::first) == "2026-10-25T00:30");
  CHECK(moment(berlin, local(2026, 10, 25, 2, 30), Twice::last) == "2026-10-25T01:30");
  CHECK(moment(berlin, local(2026, 10, 25, 3, 0), Twice::last) == "2026-10-25T02:00");
  CHECK(moment(TimeZone::load("America/New_York"), local(2026, 11, 1, 1, 30), Twice::last) ==
        "2026-11-01T06:30");
  CHECK(moment(TimeZone::load("Asia/Kolkata"), local(2026, 11, 1, 6, 0), Twice::last) ==
        "2026-11-01T00:30");
  CHECK(moment(TimeZone::load("UTC"), local(2026, 11, 1, 6, 0), Twice::last) == "2026-11-01T06:00");
}

TEST_CASE("what is not a zone is said") {
  CHECK_THAT(error_of(Reason::config, [] { TimeZone::load("Europe/Berlim"); }),
             Catch::Contains("no time zone of this name") && Catch::Contains("tzdata"));
  for (const auto* name : {"", "/etc/passwd", "../../etc/passwd", "Europe/Ber lin"}) {
    CHECK_THAT(error_of(Reason::config, [&] { TimeZone::load(name); }),
               Catch::Contains("as Europe/Berlin"));
  }
  CHECK_THAT(error_of(Reason::config, [] { TimeZone::load("tzdata.zi"); }),
             Catch::Contains("as Europe/Berlin"));
  CHECK_THAT(error_of(Reason::config, [] { TimeZone::load("Europe"); }),
             Catch::Contains("no time zone of this name"));
}

TEST_CASE("a file that is cut or damaged is not read beyond its end") {
  const auto whole = read_file_within(kDirectory + "Europe/Berlin", 1u << 20, 5s);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(TimeZone::parse(whole.substr(0, size)));
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    auto damaged = whole;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    if (const auto zone = TimeZone::parse(damaged)) {
      zone->moment_of(local(2026, 3, 29, 2, 30), Twice::first);
    }
  }
}
