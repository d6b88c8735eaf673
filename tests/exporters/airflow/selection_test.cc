#include "exporters/airflow/selection.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "common/base/error.h"
#include "common/base/time.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;

namespace {

const Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 7 / 1);
using Names = std::vector<std::string>;

Yaml entry(const std::string& keys) { return Yaml::parse("{" + keys + "}", "airflow.yml"); }

Dag dag_of(const std::string& id, Names tags = {}, Names owners = {}) {
  Dag dag;
  dag.id = id;
  dag.tags = std::move(tags);
  dag.owners = std::move(owners);
  dag.is_paused = id.starts_with("paused");
  dag.is_stale = id.starts_with("stale") || id.starts_with("broken");
  dag.has_import_errors = id.starts_with("broken");
  return dag;
}

DagList list_of(const std::vector<Dag>& dags, Time time = kNow) {
  DagList list{{}, time};
  for (const auto& dag : dags) list.dags.emplace(dag.id, dag);
  return list;
}

DagList list_of(const Names& ids) {
  std::vector<Dag> dags;
  for (const auto& id : ids) dags.push_back(dag_of(id));
  return list_of(dags);
}

Names shown(const Selection& selection, const Names& of) {
  Names shown;
  const auto view = selection.view();
  for (const auto& dag : of) {
    if (view.shows(dag)) shown.push_back(dag);
  }
  return shown;
}

bool passes(const std::string& keys, const Dag& dag) { return DagFilter(entry(keys)).passes(dag); }

}  // namespace

TEST_CASE("DAGs are included and excluded by their ids, tags and owners, each as a whole") {
  const auto dag = dag_of("orders", {"sales", "daily"}, {"ada", "bob"});
  CHECK(passes("", dag));
  CHECK(passes("dag_include: ord.*", dag));
  CHECK_FALSE(passes("dag_include: ord", dag));
  CHECK_FALSE(passes("dag_exclude: .*ers", dag));
  CHECK_FALSE(passes("dag_include: ord.*, dag_exclude: orders", dag));
  CHECK(passes("tag_include: daily|hourly", dag));
  CHECK_FALSE(passes("tag_include: day", dag));
  CHECK_FALSE(passes("tag_exclude: sales", dag));
  CHECK(passes("tag_exclude: sale", dag));
  CHECK(passes("owner_include: bob", dag));
  CHECK_FALSE(passes("owner_include: eve", dag));
  CHECK_FALSE(passes("owner_exclude: bob", dag));
  CHECK_FALSE(passes("tag_include: daily, owner_include: eve", dag));
  CHECK_FALSE(passes("tag_include: .*", dag_of("none")));
  CHECK(passes("tag_exclude: .*", dag_of("none")));
}

TEST_CASE("a filter or a limit that cannot be understood is said, with its place") {
  CHECK_THAT(error_of(Reason::config, [] { Selection(entry("tag_include: '['")); }),
             Catch::StartsWith("airflow.yml:1:") &&
                 Catch::Contains("tag_include: not a regular expression"));
  CHECK_THAT(error_of(Reason::config, [] { Selection(entry("dag_limit: 0")); }),
             Catch::Contains("above 0"));
}

TEST_CASE("a DAG whose tags are not known yet counts, and is not shown") {
  Selection selection(entry("tag_include: daily, dag_exclude: x"));
  CHECK(selection.filter().needs_list());
  CHECK(selection.view().counts("a"));
  CHECK_FALSE(selection.view().counts("x"));
  CHECK_FALSE(selection.view().shows("a"));
  selection.set_list(list_of({dag_of("a", {"daily"}), dag_of("b")}));
  CHECK(selection.view().shows("a"));
  CHECK_FALSE(selection.view().counts("b"));
  CHECK(selection.view().counts("new"));
  CHECK_FALSE(selection.view().shows("new"));
}

TEST_CASE("without tags and owners no list is needed") {
  const Selection selection(entry("dag_include: a.*"));
  CHECK_FALSE(selection.filter().needs_list());
  CHECK(selection.view().shows("ab"));
  CHECK_FALSE(selection.view().shows("b"));
}

TEST_CASE("the limit keeps DAGs that fail, then those that run, then those that may") {
  const Names all{"a", "b", "broken", "failed", "paused", "running", "stale"};
  Selection selection(entry("dag_limit: 3"));
  selection.set_list(list_of(all));
  CHECK(shown(selection, all) == Names{"a", "b", "broken"});
  CHECK(selection.view().hidden() == 4);
  selection.set_runs({{"a", {false}}, {"failed", {true}}}, {"running"}, kNow);
  CHECK(shown(selection, all) == Names{"broken", "failed", "running"});
  CHECK(selection.view().hidden() == 4);

  SECTION("a DAG that is not in the list is hidden, if others are") {
    CHECK_FALSE(selection.view().shows("deleted"));
  }
  SECTION("and none is hidden when they are fewer again") {
    selection.set_list(list_of(Names{"a", "stale"}));
    selection.set_runs({{"a", {false}}}, {}, kNow);
    CHECK(shown(selection, {"a", "stale", "deleted"}) == Names{"a", "stale", "deleted"});
    CHECK(selection.view().hidden() == 0);
  }
  SECTION("paused DAGs come after those that may run, and before those in no file") {
    const Names few{"paused", "stale", "z1", "z2", "z3"};
    Selection last(entry("dag_limit: 4"));
    last.set_list(list_of(few));
    CHECK(shown(last, few) == Names{"paused", "z1", "z2", "z3"});
  }
}

TEST_CASE("a DAG that ran within the last hour has its place after a restart") {
  const Names all{"a", "b"};
  Selection selection(entry("dag_limit: 1"));
  selection.set_runs({{"a", {false, kNow - 2h}}, {"b", {false, kNow - 10min}}}, {}, kNow);
  selection.set_list(list_of(all));
  CHECK(shown(selection, all) == Names{"b"});
  selection.set_runs({{"a", {false, kNow - 2h}}, {"b", {false, kNow - 10min}}}, {"a"},
                     kNow + 49min);
  CHECK(shown(selection, all) == Names{"b"});
  selection.set_runs({{"a", {false, kNow - 2h}}, {"b", {false, kNow - 10min}}}, {"a"},
                     kNow + 50min);
  CHECK(shown(selection, all) == Names{"a"});
}

TEST_CASE("at the edge of the limit a DAG keeps its place until another needs it") {
  const Names all{"a", "b", "c"};
  Selection selection(entry("dag_limit: 1"));
  selection.set_list(list_of(all));
  selection.set_runs({}, {"c"}, kNow);
  CHECK(shown(selection, all) == Names{"c"});
  selection.set_runs({}, {}, kNow + 30s);
  CHECK(shown(selection, all) == Names{"c"});
  // For an hour, another running DAG does not take its place.
  selection.set_runs({}, {"a"}, kNow + 1min);
  CHECK(shown(selection, all) == Names{"c"});
  selection.set_runs({}, {}, kNow + 2h);
  CHECK(shown(selection, all) == Names{"c"});
  selection.set_runs({}, {"b"}, kNow + 2h);
  CHECK(shown(selection, all) == Names{"b"});
  // A failing DAG takes it at once.
  selection.set_runs({{"a", {true}}}, {"b"}, kNow + 2h);
  CHECK(shown(selection, all) == Names{"a"});
  selection.set_runs({{"a", {false}}}, {"b"}, kNow + 2h + 59min);
  CHECK(shown(selection, all) == Names{"a"});
  selection.set_runs({{"a", {false}}}, {"b"}, kNow + 3h);
  CHECK(shown(selection, all) == Names{"b"});
}

TEST_CASE("a place that a DAG got while the clock was ahead is not kept for longer") {
  const Names all{"a", "b"};
  Selection selection(entry("dag_limit: 1"));
  selection.set_list(list_of(all));
  const auto ahead = kNow + std::chrono::days(400);
  selection.set_runs({{"b", {.failed = false, .at = ahead}}}, {"b"}, ahead);
  CHECK(shown(selection, all) == Names{"b"});
  selection.set_runs({{"b", {.failed = false, .at = ahead}}}, {"a"}, kNow);
  CHECK(shown(selection, all) == Names{"a"});
}

namespace {

const std::string kDagList = "GET /api/v2/dags?exclude_stale=false&limit=100&offset=0";

std::string page(const std::shared_ptr<Deployment>& deployment, Names modules, Samples& samples) {
  std::string text;
  for (const auto* module : kModules) {
    if (std::ranges::find(modules, module->name) == modules.end()) continue;
    collector(*module, deployment)(samples, Deadline::in(5min));
  }
  samples.render(Format::text, text);
  return text;
}

std::set<std::string> dags_of(const std::string& page) {
  const std::string label = "dag_id=\"";
  std::set<std::string> dags;
  for (auto at = page.find(label); at != page.npos; at = page.find(label, at + 1)) {
    const auto begin = at + label.size();
    dags.insert(page.substr(begin, page.find('"', begin) - begin));
  }
  return dags;
}

}  // namespace

TEST_CASE("all that is of an excluded DAG is left off the page, and not asked for") {
  Replay airflow("3.3");
  airflow.set_json(kDagList, R"({"total_entries": 3, "dags": [
      {"dag_id": "in", "tags": [{"name": "t"}]}, {"dag_id": "out"}, {"dag_id": "slow"}]})");
  airflow.set_json("GET /api/v2/dagWarnings?limit=100&offset=0",
                   R"({"total_entries": 2, "dag_warnings": [
      {"dag_id": "in", "warning_type": "w"}, {"dag_id": "out", "warning_type": "w"}]})");
  // A run that ends after the first start counts, and its tasks are requested.
  const auto ended =
      format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(Ledger::wall_clock() + 1min));
  const auto run = [&](const std::string& dag) {
    return R"({"dag_id": ")" + dag + R"(", "dag_run_id": "r", "run_type": "manual",)" +
           R"( "state": "success", "end_date": ")" + ended + "\"}";
  };
  airflow.set_json("GET /api/v2/dags/~/dagRuns?state=success&state=failed&updated_at_gte=*",
                   "{\"dag_runs\": [" + run("in") + "," + run("out") + "], \"total_entries\": 2}");
  const std::string keys = GENERATE("tag_include: t", "dag_include: in");
  const auto deployment = deployment_of(airflow.url(), keys);
  Samples samples;
  const auto text = page(deployment, {"dag_warnings", "dags", "runs"}, samples);
  CHECK_THAT(text, Catch::Contains("airflow_dag_paused{deployment=\"prod\",dag_id=\"in\"}"));
  CHECK_THAT(text, Catch::Contains("airflow_dag_last_run_state{deployment=\"prod\",dag_id=\"in\""));
  CHECK_THAT(text, !Catch::Contains("dag_id=\"out\"") && !Catch::Contains("dag_id=\"slow\""));
  CHECK_THAT(text, Catch::Contains("airflow_dags_hidden{deployment=\"prod\"} 0\n"));
  CHECK(samples.dropped() == 0);
  CHECK_THAT(text, Catch::Contains("airflow_dag_runs_total{deployment=\"prod\",dag_id=\"in\""));
  std::string asked;
  for (const auto& request : airflow.requests()) asked += request;
  CHECK_THAT(asked, Catch::Contains("{\"dag_ids\":[\"in\"]") && !Catch::Contains("\"out\""));
}

TEST_CASE("what the limit keeps off the page is counted") {
  Replay airflow("3.3");
  airflow.set_json(kDagList, R"({"total_entries": 3, "dags": [
      {"dag_id": "a"}, {"dag_id": "b"}, {"dag_id": "slow"}]})");
  const auto deployment =
      deployment_of(airflow.url(), "dag_limit: 1, deadlines: [{dag_id: .*, max_age: 1h}]");
  Samples first, second;
  CHECK_THAT(page(deployment, {"dags"}, first),
             Catch::Contains("airflow_dags_hidden{deployment=\"prod\"} 2\n") &&
                 Catch::Contains("airflow_dag_paused{deployment=\"prod\",dag_id=\"a\"}"));
  CHECK(first.dropped() == 2);
  // The recorded replies have a running run of this DAG.
  const auto text = page(deployment, {"runs"}, second);
  CHECK(second.dropped() > 2);
  CHECK(deployment->selection.view().hidden() == second.dropped());
  CHECK_THAT(text, Catch::Contains("dag_id=\""));
  CHECK(dags_of(text).size() == 1);
}
