#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/base/error.h"
#include "common/base/text.h"
#include "exporters/airflow/run_counter.h"
#include "tests/exporters/airflow/history_world.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;
using airflow_world::World;

namespace {

/// The run counter of one deployment, which can be killed.
class Watch {
 public:
  Watch(World& world, bool has_due_filter, bool has_tries, Time start, std::string state = {})
      : world_(world),
        has_due_filter_(has_due_filter),
        has_tries_(has_tries),
        start_(start),
        state_(std::move(state)) {
    open();
  }

  void update() {
    const auto seen = world_.now() - 10s;
    try {
      const auto history = world_.history(has_due_filter_, has_tries_);
      counter_->update(world_.live(), history, failures_, Deadline::in(1min));
      if (selection_->view().list() != nullptr) {
        counter_->follow(selection_->view(), history, failures_, Deadline::in(1min));
        knows_past_ = counter_->unasked() == 0;
      }
      failures_.check();
      if (counter_->pending() == 0 && knows_past_) {
        const auto& read = counter_->read_up_to();
        world_.set_seen(std::min({seen, read.old, read.late}));
      }
    } catch (const Error& error) {
      REQUIRE(error.what() == std::string("made up"));
    }
  }
  void read_dags() {
    try {
      selection_->set_list(world_.dags());
    } catch (const Error& error) {
      REQUIRE(error.what() == std::string("made up"));
    }
  }
  /// Discards what was not committed.
  void kill() {
    selection_.emplace(Yaml::parse("{}", "airflow.yml"));
    counter_.reset();
    if (!state_.empty()) {
      runs_.reset();
      tasks_.reset();
    }
    open();
  }

  const RunCounter& counter() const { return *counter_; }
  bool knows_past() const { return knows_past_; }
  /// The sums of a counter by DAG and state.
  World::Counts counts(std::string_view name) const {
    Samples samples;
    counter_->add_to(samples);
    std::string page;
    samples.render(Format::text, page);
    World::Counts counts;
    for (std::string_view rest = page; !rest.empty();) {
      const auto line = next_part(rest, '\n');
      if (!line.starts_with(std::string(name) + '{')) continue;
      const auto value = parse_number<double>(line.substr(line.rfind(' ') + 1));
      counts[{label(line, "dag_id"), label(line, "state")}] += value.value();
    }
    return counts;
  }

 private:
  static std::string label(std::string_view line, const std::string& name) {
    const auto begin = line.find(name + "=\"") + name.size() + 2;
    return std::string(line.substr(begin, line.find('"', begin) - begin));
  }

  void open() {
    if (!runs_) runs_ = std::make_shared<Ledger>("runs", state_, std::vector<Migration>(), start_);
    if (!tasks_) {
      tasks_ = std::make_shared<Ledger>("tasks", state_, std::vector<Migration>(), start_);
    }
    counter_.emplace(RunCounter::Options{.deployment = "a"}, SharedLedger(runs_),
                     SharedLedger(tasks_));
  }

  World& world_;
  const bool has_due_filter_, has_tries_;
  const Time start_;
  const std::string state_;
  std::shared_ptr<Ledger> runs_, tasks_;
  std::optional<RunCounter> counter_;
  Failures failures_;
  std::optional<Selection> selection_{std::in_place, Yaml::parse("{}", "airflow.yml")};
  bool knows_past_ = false;
};

/// The first counts less the second, without zeros.
World::Counts difference(World::Counts of, const World::Counts& from) {
  for (const auto& [key, value] : from) of[key] -= value;
  std::erase_if(of, [](const auto& entry) { return entry.second == 0; });
  return of;
}

/// Simulates a few hours with outages, errors and kills, then reads everything.
void check(std::uint64_t seed, const std::string& state = {}) {
  std::mt19937_64 random(seed);
  const auto below = [&](unsigned limit) {
    return std::uniform_int_distribution<unsigned>(0, limit - 1)(random);
  };
  const Time start = std::chrono::floor<std::chrono::seconds>(Ledger::wall_clock()) - 30h;
  const bool is_airflow3 = below(2) == 0;
  World world(seed, start, is_airflow3);
  Watch watch(world, is_airflow3, is_airflow3 || below(2) == 0, start, state);
  watch.update();
  for (auto steps = 10 + below(30); steps > 0; --steps) {
    world.pass(std::chrono::milliseconds(1000 + below(30'000)));
    if (below(20) == 0) {
      for (auto outage = below(20); outage > 0; --outage) world.pass(1min);
    }
    world.set_failing(below(5) == 0 ? 5 : 0);
    if (below(3) == 0) watch.read_dags();
    watch.update();
    if (below(10) == 0) watch.kill();
  }
  world.set_failing(0);
  world.settle();
  const auto settled = world.now();
  const auto is_read = [&] {
    const auto& counter = watch.counter();
    const auto is_known = [&](const auto& dag) { return counter.last_runs().contains(dag); };
    const auto& read = counter.read_up_to();
    return std::min(read.old, read.late) > settled && counter.pending() == 0 &&
           watch.knows_past() && std::ranges::none_of(world.deleted_dags(), is_known);
  };
  for (int i = 0; i < 100 && !is_read(); ++i) {
    world.pass(11min);
    watch.read_dags();
    watch.update();
  }
  INFO("seed " << seed);
  CHECK(watch.counter().pending() == 0);
  CHECK(difference(watch.counts("airflow_dag_runs_total"), world.runs()) == World::Counts());
  CHECK(difference(watch.counts("airflow_task_tries_total"), world.tries()) == World::Counts());
  for (const auto& [dag, state_now] : world.last_states()) {
    CHECK(watch.counter().last_runs().at(dag).state == state_now);
  }
  for (const auto& [dag, success] : world.last_successes()) {
    CHECK(watch.counter().last_runs().at(dag).success_at == success);
  }
  for (const auto& dag : world.deleted_dags())
    CHECK_FALSE(watch.counter().last_runs().contains(dag));
}

}  // namespace

TEST_CASE("whatever happens, each run and each try of a task that ends counts once") {
  const char* const wanted = std::getenv("AIRFLOW_HISTORIES");
  const auto count = parse_number<std::uint64_t>(wanted ? wanted : "").value_or(300);
  for (std::uint64_t seed = 1; seed <= count; ++seed) check(seed);
}

TEST_CASE("what was counted is still counted after a kill, and nothing twice") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const TemporaryDirectory state;
    check(1'000'000 + seed, state.path());
  }
}
