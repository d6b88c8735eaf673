#include "exporters/snowflake/spending.h"

#include <catch2/catch.hpp>
#include <future>
#include <stop_token>
#include <thread>

#include "common/base/error.h"
#include "tests/exporters/snowflake/spender.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace spending_test;

TEST_CASE("a short statement costs a minute, and the warehouse until it is suspended") {
  now = kTen;
  Spender spender(0);
  spender.run(seconds(2));
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx(63.0 / 3600));
  CHECK(spender.figures()["snowflake_own_credits_total"] == 0);
  now += hours(1);
  const auto figures = spender.figures();
  CHECK(figures.at("snowflake_own_resumes_total") == 1);
  CHECK(figures.at("snowflake_own_billed_seconds_total") == 63);
  CHECK(figures.at("snowflake_own_credits_total") == Approx(63.0 / 3600));
  CHECK(figures.at("snowflake_own_credits_today") == Approx(63.0 / 3600));
}

TEST_CASE("statements that follow each other resume the warehouse once") {
  now = kTen;
  Spender spender(0);
  for (int i = 0; i < 5; ++i) {
    spender.run(seconds(10));
    now += seconds(30);
  }
  now += hours(1);
  CHECK(spender.figures()["snowflake_own_resumes_total"] == 1);
  CHECK(spender.figures()["snowflake_own_billed_seconds_total"] == 4 * 40 + 10 + 61);
  spender.run(seconds(10));
  now += hours(1);
  CHECK(spender.figures()["snowflake_own_resumes_total"] == 2);
}

TEST_CASE("a warehouse that is suspended before its minute ends costs one at each resumption") {
  constexpr Price kSoon{.credits_per_hour = 1, .auto_suspend = seconds(5)};
  now = kTen;
  Spender spender(0);
  for (int i = 0; i < 3; ++i) {
    spender.run(seconds(2), kSoon);
    spender.run(seconds(2), kSoon);  // at once: the warehouse runs
    now += seconds(10);
  }
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx(180.0 / 3600));
  now += hours(1);
  CHECK(spender.figures()["snowflake_own_resumes_total"] == 3);
  CHECK(spender.figures()["snowflake_own_billed_seconds_total"] == 180);
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx(180.0 / 3600));
}

TEST_CASE("a statement that ends after its time costs all of it") {
  now = kTen;
  Spender spender(0);
  spender.run(seconds(90));
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx(151.0 / 3600));
}

TEST_CASE("statements that run together cost what one costs") {
  now = kTen;
  Spender spender(0);
  {
    auto one = spender.enter();
    auto two = spender.enter();
    now += seconds(20);
    one.note_end();
    two.note_end();
  }
  now += hours(1);
  CHECK(spender.figures()["snowflake_own_billed_seconds_total"] == 81);
}

TEST_CASE("a statement is refused where it could cost more than is left") {
  now = kTen;
  Spender spender(200.0 / 3600);  // two short ones, of which the second could take two minutes
  spender.run(seconds(2));
  now += minutes(10);
  spender.run(seconds(2));
  now += minutes(10);
  CHECK_THAT(error_of(Reason::rate_limited, [&] { spender.run(seconds(2)); }),
             Catch::Contains("the next statement may run on 2026-03-02"));
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx(126.0 / 3600));
  now = kTen + hours(14);
  spender.run(seconds(2));
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx(63.0 / 3600));
}

TEST_CASE("a day never costs more than the cap, however long statements take") {
  now = kTen;
  const double cap = 0.5;
  Spender spender(cap);
  double spent = 0;
  std::uint64_t random = 1;
  for (int i = 0; i < 2000 && now < kTen + hours(13); ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const auto takes = seconds(random >> 33 & 63);
    try {
      spender.run(std::min(takes, seconds(60)));
    } catch (const Error&) {
    }
    spent = std::max(spent, spender.figures()["snowflake_own_credits_today"]);
    now += seconds(random >> 40 & 255);
  }
  CHECK(spent <= cap);
  CHECK(spent > cap * 0.9);
}

TEST_CASE("a statement whose end is not known costs all that it may") {
  now = kTen;
  Spender spender(0);
  {
    auto lost = spender.enter();
    now += seconds(5);
  }
  spender.run(seconds(2));
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx(121.0 / 3600));
  now += hours(1);
  spender.run(seconds(2));
  now += hours(1);
  CHECK(spender.figures()["snowflake_own_billed_seconds_total"] == 121 + 63);
}

TEST_CASE("what a statement may cost is on the disk before it starts") {
  const TemporaryDirectory directory;
  now = kTen;
  Spender killed(0.1, directory.path());
  const auto permit = killed.enter();
  {
    const TemporaryDirectory copy;  // of what a process leaves that ends now
    std::filesystem::copy(directory.path(), copy.path(), std::filesystem::copy_options::recursive);
    now += seconds(1);
    Spender next(0.1, copy.path());
    CHECK(next.figures()["snowflake_own_credits_today"] == Approx(121.0 / 3600));
    now += hours(1);
    CHECK(next.figures()["snowflake_own_billed_seconds_total"] == 121);
  }
}

TEST_CASE("a statement in the second of a restart does not give back what was reserved") {
  const TemporaryDirectory directory, copy;
  now = kTen;
  Spender killed(0, directory.path());
  const auto permit = killed.enter();
  std::filesystem::copy(directory.path(), copy.path(), std::filesystem::copy_options::recursive);
  Spender next(0, copy.path());
  next.run(seconds(2));
  CHECK(next.figures()["snowflake_own_credits_today"] == Approx(121.0 / 3600));
}

TEST_CASE("what was spent goes on after a restart, and starts again at midnight") {
  const TemporaryDirectory directory;
  now = kTen;
  {
    Spender spender(0.1, directory.path());
    spender.run(seconds(2));
    now += minutes(5);
    spender.run(seconds(40));
  }
  now += minutes(5);
  Spender spender(0.1, directory.path());
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx((63.0 + 101) / 3600));
  CHECK(spender.figures()["snowflake_own_resumes_total"] == 2);
  now = kTen + hours(14);
  CHECK(spender.figures()["snowflake_own_credits_today"] == 0);
  CHECK(spender.figures()["snowflake_own_credits_total"] == Approx((63.0 + 101) / 3600));
}

TEST_CASE("what runs over midnight counts on both days") {
  now = kTen + hours(14) - seconds(30);
  Spender spender(0);
  spender.run(seconds(20));
  now += minutes(10);
  CHECK(spender.figures()["snowflake_own_credits_today"] == Approx(51.0 / 3600));
}

TEST_CASE("a statement whose cost cannot be stored is not reserved") {
  now = kTen;
  Spender spender(200.0 / 3600);
  const auto today = [&] { return spender.figures()["snowflake_own_credits_today"] * 3600; };
  const auto fail = [&] {
    const auto ledger = spender.ledger();
    const auto other = ledger.begin(soon());
    CHECK_THROWS_AS(spender.enter(kSmall, Deadline::in(std::chrono::milliseconds(1))), Error);
  };
  spender.figures();
  fail();
  CHECK(today() == 0);
  spender.run(seconds(2));
  fail();
  CHECK(today() == Approx(63));
  now += minutes(5);
  fail();
  CHECK(today() == Approx(63));
  CHECK(spender.stretch(hours(1)) < 1000);
}

TEST_CASE("the pace is what makes the day's credits last") {
  const seconds cycle = minutes(45);
  now = kTen;
  Spender enough(0.5);
  CHECK(enough.stretch(cycle) == 1);
  enough.run(seconds(2));
  now += minutes(45);
  CHECK(enough.stretch(cycle) == 1);

  now = kTen;
  Spender little(0.1);  // 5 times 63 s, for 14 h
  little.run(seconds(2));
  now += minutes(45);
  CHECK(little.stretch(cycle) == 6);  // 17 cycles, of which 3 can be paid

  Spender spent(0.04);
  spent.run(seconds(2));
  now += minutes(45);
  CHECK(spent.stretch(cycle) > 1000);
}

TEST_CASE("after a reload, statements of before count in the same credits") {
  now = kTen;
  Ledgers ledgers("");
  const auto open = [&] {
    return ledgers.open("snowflake_spending", "prod", {.past = std::chrono::days(3650)});
  };
  const auto before = Spending::of("prod", open());
  before->set_clock([] { return now; });
  auto running = before->enter(0.05, kSmall, minutes(1), soon());
  now += minutes(2);
  const auto after = Spending::of("prod", open());
  CHECK_THROWS_AS(after->enter(0.04, kSmall, minutes(1), soon()), CreditsSpent);
  Ledgers others("");
  const auto other = Spending::of(
      "prod", others.open("snowflake_spending", "prod", {.past = std::chrono::days(3650)}));
  other->set_clock([] { return now; });
  other->enter(0.04, kSmall, minutes(1), soon()).note_end();
}

TEST_CASE("a ledger that is in use holds up only those who store in it, until their deadlines") {
  now = kTen;
  Spender spender(1);
  spender.run(seconds(2));
  const auto spent = spender.figures()["snowflake_own_credits_today"];
  const auto ledger = spender.ledger();
  const auto other = ledger.begin(soon());
  std::stop_source stop;
  auto entering = std::async(std::launch::async, [&] {
    return error_of(Reason::cancelled,
                    [&] { spender.enter(kSmall, Deadline::in(minutes(1), stop.get_token())); });
  });
  while (spender.figures()["snowflake_own_credits_today"] == spent &&
         entering.wait_for(seconds(0)) == std::future_status::timeout) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(spender.stretch(hours(1)) >= 1);
  CHECK(error_of(Reason::timeout, [&] {
          spender.enter(kSmall, Deadline::in(std::chrono::milliseconds(1)));
        }) == "the cost of another statement is being stored");
  stop.request_stop();
  CHECK(entering.get() != "no error");
}
