#include <algorithm>
#include <map>

#include "common/base/text.h"
#include "exporters/airflow/list.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {
namespace {

constexpr auto kErrors =
    gauge("airflow_import_errors", "DAG files that cannot be imported.", "deployment");
constexpr auto kSince = gauge("airflow_import_error_first_seen_timestamp_seconds",
                              "When the exporter first saw that the file cannot be imported, in "
                              "seconds since 1970. Airflow's "
                              "own timestamp is that of its last attempt.",
                              "deployment", "bundle", "file");
constexpr MetricView kMetrics[] = {kErrors, kSince};

constexpr std::string_view kPrefix = "import_error/";

/// When each error was first seen, by its id, which does not change; now, if that is ahead. In the
/// ledger's metadata, so that errors are not new after a restart.
class ImportErrors {
 public:
  explicit ImportErrors(Deployment& deployment) : deployment_(deployment) {}

  void collect(Samples& samples, const Deadline& deadline) {
    const auto now = Ledger::wall_clock();
    std::map<std::int64_t, ImportError> errors;
    read_list(
        deployment_, "/importErrors", "import_errors", {}, samples,
        [&](const Json& row) {
          auto error = read_import_error(row);
          errors.insert_or_assign(error.id, std::move(error));
        },
        deadline);
    update(errors, now, deadline);
    for (const auto& [id, error] : errors) {
      samples.add(kSince, seconds_of(first_seen_.at(id)), deployment_.name, error.bundle,
                  error.file);
    }
    samples.add(kErrors, static_cast<double>(errors.size()), deployment_.name);
  }

 private:
  using FirstSeen = std::map<std::int64_t, Time>;

  void update(const std::map<std::int64_t, ImportError>& errors, Time now,
              const Deadline& deadline);
  void load(Ledger::Run& run);

  Deployment& deployment_;
  FirstSeen first_seen_;  // as in the ledger
  bool is_loaded_ = false;
};

void ImportErrors::load(Ledger::Run& run) {
  run.each_metadata(kPrefix, [&](std::string_view key, std::string_view text) {
    const auto id = parse_number<std::int64_t>(key.substr(kPrefix.size()));
    const auto time = parse_number<std::int64_t>(text);
    if (id && time) first_seen_.emplace(*id, Time(std::chrono::microseconds(*time)));
  });
  is_loaded_ = true;
}

void ImportErrors::update(const std::map<std::int64_t, ImportError>& errors, Time now,
                          const Deadline& deadline) {
  const auto is_right = [&](Time seen) { return seen <= now + Ledger::kMaxAhead; };
  const auto is_same = [&](const auto& error, const auto& known) {
    return error.first == known.first && is_right(known.second);
  };
  if (is_loaded_ && std::ranges::equal(errors, first_seen_, is_same)) return;
  auto run = deployment_.ledger.begin(deadline);
  if (!is_loaded_) load(run);
  FirstSeen next;
  for (const auto& [id, error] : errors) {
    const auto known = first_seen_.find(id);
    const bool is_known = known != first_seen_.end() && is_right(known->second);
    next.emplace(id, is_known ? known->second : now);
    run.set_metadata(std::string(kPrefix) + std::to_string(id),
                     std::to_string(next.at(id).time_since_epoch().count()));
  }
  for (const auto& [id, since] : first_seen_) {
    if (!next.contains(id)) run.set_metadata(std::string(kPrefix) + std::to_string(id), "");
  }
  run.commit();
  first_seen_ = std::move(next);
}

}  // namespace

constinit const Module kImportErrors{"import_errors",
                                     Module::Default::on,
                                     kMetrics,
                                     {},
                                     make<ImportErrors>,
                                     Every{std::chrono::minutes(1), std::chrono::minutes(10)},
                                     std::chrono::minutes(1)};

}  // namespace exporter::airflow
