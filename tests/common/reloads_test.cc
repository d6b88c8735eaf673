#include "common/app/reloads.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <semaphore>
#include <thread>
#include <vector>

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kLong = 60s;  // not reached unless the test fails

/// A reload that waits until the test releases it.
struct Hanging {
  std::counting_semaphore<> begun{0}, go_on{0};
  std::atomic<int> count = 0, late = 0;
  std::string error;

  std::optional<std::string> operator()() {
    ++count;
    begun.release();
    go_on.acquire();
    return error.empty() ? std::nullopt : std::optional(error);
  }
};

}  // namespace

TEST_CASE("reloads run one at a time, and requests meanwhile share the next one") {
  Hanging reload;
  Reloads reloads([&] { return reload(); }, [&] { ++reload.late; });
  CHECK(reloads.wait_until_idle(Clock::now()));
  reloads.request();
  reload.begun.acquire();
  for (int i = 0; i < 5; ++i) reloads.request();
  CHECK(reload.count == 1);
  CHECK_FALSE(reloads.wait_until_idle(Clock::now()));
  reload.go_on.release();
  reload.begun.acquire();
  CHECK(reload.count == 2);
  reload.go_on.release();
  CHECK(reloads.wait_until_idle(Clock::now() + kLong));
  CHECK(reload.count == 2);
  CHECK(reload.late == 0);
}

TEST_CASE("who waits for a reload learns what became of one that began after the request") {
  Hanging reload;
  Reloads reloads([&] { return reload(); }, [&] { ++reload.late; });
  reload.error = "old";
  reloads.request();
  reload.begun.acquire();
  auto answer = std::async(std::launch::async, [&] { return reloads.run(); });
  SECTION("it fails") {
    reload.go_on.release();
    reload.begun.acquire();
    reload.error = "new";
    reload.go_on.release();
    CHECK(answer.get() == "new");
  }
  SECTION("it succeeds") {
    reload.go_on.release();
    reload.begun.acquire();
    reload.error.clear();
    reload.go_on.release();
    CHECK(answer.get() == std::nullopt);
  }
}

TEST_CASE("a reload that hangs holds one thread, is late once, and holds up nobody for good") {
  Hanging reload;
  Reloads reloads([&] { return reload(); }, [&] { ++reload.late; }, 10ms);
  reloads.request();
  reload.begun.acquire();
  for (int i = 0; i < 12; ++i) {
    CHECK(reloads.run() ==
          "a reload is running and does not end; the old configuration stays until it does");
    reloads.request();
    reloads.note_late();
  }
  CHECK(reload.count == 1);
  CHECK(reload.late == 1);
  reload.go_on.release(2);
  CHECK(reloads.wait_until_idle(Clock::now() + kLong));
  CHECK(reload.count == 2);
}

TEST_CASE("when a reload will be late is known as soon as it was asked for") {
  Hanging reload;
  Reloads reloads([&] { return reload(); }, [&] { ++reload.late; }, 1h);
  const auto before = Clock::now();
  reloads.request();
  const auto after = Clock::now();
  reload.begun.acquire();
  CHECK(reloads.late_at() >= before + 1h);
  CHECK(reloads.late_at() <= after + 1h);
  reloads.note_late();  // too early
  CHECK(reload.late == 0);
  reload.go_on.release();
}

/// Whether it was noted as late that many times, by the thread that waits for signals.
bool is_late(Reloads& reloads, const Hanging& reload, int times) {
  for (const auto end = Clock::now() + kLong; reload.late < times && Clock::now() < end;) {
    std::this_thread::sleep_until(reloads.late_at());
    reloads.note_late();
  }
  return reload.late == times;
}

TEST_CASE("each reload that hangs is late, whoever asked for it, and whatever came before it") {
  Hanging reload;
  Reloads reloads([&] { return reload(); }, [&] { ++reload.late; }, 10ms);
  reloads.request();
  CHECK(is_late(reloads, reload, 1));
  reload.begun.acquire();
  reloads.request();
  reload.go_on.release();
  reload.begun.acquire();
  CHECK(is_late(reloads, reload, 2));
  reload.go_on.release();
}

TEST_CASE("a stop begins no more reloads and lets go who waits for one") {
  Hanging reload;
  Reloads reloads([&] { return reload(); }, [&] { ++reload.late; });
  auto answer = std::async(std::launch::async, [&] { return reloads.run(); });
  reload.begun.acquire();
  reloads.request();
  reloads.stop();
  CHECK(answer.get() == "the exporter stops");
  CHECK(reloads.run() == "the exporter stops");
  CHECK_FALSE(reloads.wait_until_idle(Clock::now()));
  reload.go_on.release();
  CHECK(reloads.wait_until_idle(Clock::now() + kLong));
  CHECK(reload.count == 1);
}
