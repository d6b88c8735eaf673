// Spending while the clock is wrong, goes forward or back.

#include <catch2/catch.hpp>

#include "tests/exporters/snowflake/spender.h"
#include "tests/support/temporary_directory.h"

using namespace spending_test;

TEST_CASE("what was spent while the clock was ahead was spent today") {
  const TemporaryDirectory directory;
  const bool is_restarted = GENERATE(true, false);
  const double cap = 360.0 / 3600;
  std::optional<Spender> spender(std::in_place, cap, directory.path());
  const auto restart = [&] {
    spender.reset();
    spender.emplace(cap, directory.path());
  };
  const auto today = [&] { return spender->figures()["snowflake_own_credits_today"] * 3600; };
  now = kTen;
  spender->run(seconds(2));
  now += std::chrono::days(400);
  spender->run(seconds(2));
  now += minutes(5);
  CHECK(today() == Approx(63));
  spender->run(seconds(2));
  if (is_restarted) restart();
  now = kTen + hours(1);
  CHECK(today() == Approx(3 * 63));
  if (is_restarted) restart();
  now += minutes(5);
  spender->run(seconds(2));
  now += minutes(5);
  CHECK(today() == Approx(4 * 63));
  CHECK_THROWS_AS(spender->enter(), CreditsSpent);
  now = kTen + std::chrono::days(1);
  spender->run(seconds(2));
  now += minutes(5);
  CHECK(today() == Approx(63));
  CHECK(spender->figures()["snowflake_own_billed_seconds_total"] == Approx(5 * 63));
}

TEST_CASE("what is known of a warehouse from when the clock was ahead is not true for longer") {
  constexpr Price kSoon{.credits_per_hour = 1, .auto_suspend = seconds(5)};
  Spender spender(0);
  now = kTen + std::chrono::days(400);
  spender.run(seconds(2), kSoon);
  now = kTen;
  spender.figures();
  now += seconds(30);
  spender.run(seconds(2), kSoon);
  now += minutes(5);
  CHECK(spender.figures()["snowflake_own_resumes_total"] == 2);

  now = kTen + std::chrono::days(400);
  { const auto lost = spender.enter(); }
  now = kTen + minutes(10);
  spender.run(seconds(2));
  now += minutes(5);
  CHECK(spender.figures()["snowflake_own_billed_seconds_total"] == Approx(2 * 60 + 121));
}

TEST_CASE("a statement during which the clock jumps costs no more than it may") {
  const auto jump = GENERATE(std::chrono::days(400), std::chrono::days(-400));
  now = kTen;
  Spender spender(0.1);
  {
    auto permit = spender.enter();
    now += jump;
    if (GENERATE(true, false)) permit.note_end();
  }
  now += hours(1);
  const auto billed = spender.figures()["snowflake_own_billed_seconds_total"];
  CHECK(billed >= 61);
  CHECK(billed <= 121);
  spender.run(seconds(2));
  CHECK(spender.figures()["snowflake_own_credits_today"] * 3600 <= 121 + 63);
}

TEST_CASE("a statement from before the clock was ahead for a while costs what it did") {
  now = kTen;
  Spender spender(0);
  {
    auto before = spender.enter();
    now += std::chrono::days(400);
    auto ahead = spender.enter();
    now = kTen + seconds(30);
    ahead.note_end();
    before.note_end();
  }
  now += hours(1);
  const auto figures = spender.figures();
  CHECK(figures.at("snowflake_own_resumes_total") == 2);
  CHECK(figures.at("snowflake_own_billed_seconds_total") >= 121 + 60);
  CHECK(figures.at("snowflake_own_credits_today") ==
        Approx(figures.at("snowflake_own_credits_total")));
}

TEST_CASE("the warehouse is resumed again at a time that comes again") {
  const TemporaryDirectory directory;
  std::optional<Spender> spender(std::in_place, 0, directory.path());
  for (int resumes = 1; resumes <= 3; ++resumes) {
    now = kTen;
    spender->run(seconds(2));
    now += minutes(5);
    CHECK(spender->figures()["snowflake_own_resumes_total"] == resumes);
    CHECK(spender->figures()["snowflake_own_billed_seconds_total"] == resumes * 63);
    spender.reset();
    spender.emplace(0, directory.path());
  }
}
