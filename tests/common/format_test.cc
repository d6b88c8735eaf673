#include "common/metric/format.h"

#include <catch2/catch.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <random>

using namespace exporter;

namespace {

std::string value(double number) {
  std::string out;
  append_value(out, number);
  return out;
}

std::string bound(double number) {
  std::string out;
  append_bound(out, number);
  return out;
}

}  // namespace

TEST_CASE("values are the shortest text that reads back as the same double") {
  CHECK(value(0.1 + 0.2) == "0.30000000000000004");
  CHECK(value(1) == "1");
  CHECK(value(-0.0) == "-0");
  CHECK(value(1e21) == "1e+21");
  CHECK(value(5e-324) == "5e-324");
  CHECK(value(18446744073709551615.0) == "18446744073709551616");
  CHECK(value(std::nan("")) == "NaN");
  CHECK(value(-std::nan("")) == "NaN");
  CHECK(value(std::numeric_limits<double>::infinity()) == "+Inf");
  CHECK(value(-std::numeric_limits<double>::infinity()) == "-Inf");
}

TEST_CASE("bounds are canonical, as Go writes them for OpenMetrics") {
  CHECK(bound(0) == "0.0");
  CHECK(bound(1) == "1.0");
  CHECK(bound(0.005) == "0.005");
  CHECK(bound(0.0001) == "0.0001");
  CHECK(bound(0.00001) == "1e-05");
  CHECK(bound(2.5) == "2.5");
  CHECK(bound(100000) == "100000.0");
  CHECK(bound(1e6) == "1e+06");
  CHECK(bound(1234567) == "1.234567e+06");
  CHECK(bound(INFINITY) == "+Inf");
}

TEST_CASE("a value is the shortest text that reads back as the same double, an integer's too") {
  const auto shortest = [](double number) {
    char digits[32];
    return std::string(digits, std::to_chars(digits, std::end(digits), number).ptr);
  };
  std::minstd_rand random(7);
  const auto check = [&](double number) {
    for (const double each : {number, -number}) {
      if (value(each) != shortest(each)) FAIL(shortest(each) << " is written as " << value(each));
    }
  };
  for (int i = 0; i <= 2'000'000; i += 7) check(i);
  for (int bits = 0; bits < 64; ++bits) {
    const double power = std::ldexp(1.0, bits);
    for (const double each : {power - 1, power, power + 1, power + 0.5}) check(each);
  }
  for (double power = 1; power < 1e25; power *= 10) {
    for (int i = 0; i < 300; ++i) check(power * static_cast<double>(random() % 2000));
  }
  CHECK(value(-0.0) == "-0");
}
