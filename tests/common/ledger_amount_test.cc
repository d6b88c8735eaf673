#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "common/ledger/amount.h"

using exporter::ledger::Amount;

namespace {

std::string text_of(double value) {
  const auto amount = Amount::of(value);
  return amount ? amount->text() : "nothing";
}

}  // namespace

TEST_CASE("an amount is a value in whole steps of 1e-9") {
  CHECK(text_of(0) == "0");
  CHECK(text_of(-0.0) == "0");
  CHECK(text_of(12) == "12");
  CHECK(text_of(0.1) == "0.1");
  CHECK(text_of(1234.000000001) == "1234.000000001");
  CHECK(text_of(4.9e-10) == "0");
  CHECK(text_of(5.1e-10) == "0.000000001");
  CHECK(text_of(0.9999999999) == "1");
  CHECK(text_of(1e18) == "1000000000000000000");
  CHECK(text_of(std::nextafter(1e18, 2e18)) == "nothing");
  CHECK(text_of(-5e-324) == "nothing");
  CHECK(text_of(std::numeric_limits<double>::infinity()) == "nothing");
  CHECK(text_of(std::numeric_limits<double>::quiet_NaN()) == "nothing");
}

TEST_CASE("an amount is read again as it was written") {
  Amount sum;
  for (int i = 0; i < 1000; ++i) sum += Amount::of(1e18).value();
  sum += Amount::of(1e-9).value();
  CHECK(sum.text() == "1000000000000000000000.000000001");
  for (const auto* text : {"0", "7", "0.000000001", "20.02", "1000000000000000000000.000000001",
                           "12345678901234567890123456789.123456789"}) {
    CHECK(Amount::parse(text).value().text() == text);
  }
  for (const auto* text : {"", ".", "1.", ".5", "-1", "+1", "1.0000000001", "1 ", "1e3", "x",
                           "123456789012345678901234567890"}) {
    CHECK_FALSE(Amount::parse(text).has_value());
  }
}

TEST_CASE("an amount's value is the nearest double, and grows with it") {
  CHECK(Amount::parse("0.3").value().value() == 0.3);
  CHECK(Amount::parse("9007199.254740993").value().value() == 9007199.254740993);
  CHECK(Amount::parse("123456789012").value().value() == 123456789012);
  CHECK(Amount::parse("1000000000000000000000.5").value().value() == 1e21);
  std::mt19937_64 random(1);
  for (int i = 0; i < 10'000; ++i) {
    const auto value = static_cast<double>(random() >> (random() % 60)) / 1024;
    const auto amount = Amount::of(std::min(value, Amount::kMaxValue)).value();
    auto next = amount;
    next += Amount::parse("0.000000001").value();
    REQUIRE(next > amount);
    REQUIRE(next.value() >= amount.value());
    REQUIRE(Amount::parse(amount.text()) == amount);
  }
}
