#include "tests/exporters/dbt/cloud_account.h"

#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/yaml.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::dbt;
using namespace std::chrono_literals;

Time ago(std::chrono::seconds age) {
  static const auto now =
      std::chrono::floor<std::chrono::minutes>(std::chrono::system_clock::now());
  return now - age;
}

FakeRun ended(std::int64_t id, std::int64_t job, std::chrono::seconds age, int status) {
  return {id,
          job,
          status,
          ago(age + 100s),
          ago(age + 90s),
          ago(age),
          true,
          {"Clone git repository", "Invoke dbt with `dbt build`"}};
}

FakeRun running(std::int64_t id, std::int64_t job, std::chrono::seconds age) {
  auto run = ended(id, job, age, 3);
  run.finished_at.reset();
  run.artifacts_saved = false;
  return run;
}

std::string iso(Time time) {
  return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time));
}

std::string results(const std::string& invocation, Time at, const std::string& status) {
  return R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",)"
         R"( "generated_at": ")" +
         iso(at) + R"(", "invocation_id": ")" + invocation +
         R"("}, "args": {"which": "build"}, "elapsed_time": 3, "results": [{"unique_id": "model.shop.a",)"
         R"( "status": ")" +
         status +
         R"(", "execution_time": 2, "timing": [{"name": "execute",)"
         R"( "started_at": ")" +
         iso(at - 2s) + R"(", "completed_at": ")" + iso(at) + R"("}]}]})";
}

std::string manifest(const std::string& invocation, Time at) {
  return R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",)"
         R"( "generated_at": ")" +
         iso(at) + R"(", "invocation_id": ")" + invocation + R"("}, "nodes": {}})";
}

Lines lines_of(std::string_view page) {
  Lines lines;
  while (!page.empty()) {
    const std::string line(next_part(page, '\n'));
    if (!line.starts_with('#')) lines.push_back(line);
  }
  return lines;
}

Account::Account(const FakeCloud& cloud, const std::string& more, const std::string& token,
                 const std::string& state)
    : project_(project_of(
          "cloud: {account_id: 1, url: \"" + cloud.url() + "\", token: " + token + more + "}",
          std::make_shared<Ledgers>(state))),
      follower_("shop", project_->list, project_->ledger) {}

Lines Account::look() {
  error_ = update(follower_);
  return lines();
}

Lines Account::lines() const {
  Samples samples;
  follower_.add_to(samples);
  project_->cloud->add_to(samples);
  std::string page;
  samples.render(Format::text, page);
  return lines_of(page);
}

Lines of(const Lines& lines, const std::string& family) {
  Lines found;
  for (const auto& line : lines) {
    if (!line.starts_with(family + "{project=\"shop\"")) continue;
    auto rest = line.substr(family.size() + std::string("{project=\"shop\"").size());
    found.push_back(rest.starts_with(',') ? rest.substr(1) : rest);
  }
  return found;
}

std::string seconds(Time time) {
  std::string text;
  append_value(text, std::chrono::duration<double>(time.time_since_epoch()).count());
  return text;
}
