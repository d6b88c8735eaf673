#include "exporters/sql/business/groups.h"

namespace exporter::sql::business {
namespace {

constexpr auto kPresent =
    gauge("business_view_present", "Whether the database has this view with all required columns.",
          "source", "dataset", "view");
constexpr auto kMissing =
    gauge("business_view_missing_columns",
          "Required columns that the view lacks; the log names them.", "source", "dataset", "view");
constexpr auto kLoaded =
    gauge("business_data_loaded_timestamp_seconds",
          "When the newest row of the view was loaded, since 1970.", "source", "dataset", "view");
constexpr auto kNewest =
    gauge("business_data_newest_timestamp_seconds",
          "Time of the event of the view's newest row, since 1970.", "source", "dataset", "view");
constexpr auto kMaxAge = gauge(
    "business_data_max_age_seconds",
    "Configured maximum age of the newest row by its load time, in seconds.", "source", "dataset");
constexpr MetricView kMetrics[] = {kPresent, kMissing, kLoaded, kNewest, kMaxAge};

/// Rows from the future say nothing about the last load.
constexpr auto kMaxAhead = Ledger::kMaxAhead;
/// Looks at recent rows first, which an index finds.
constexpr std::chrono::days kRecent(30);

const Query kOne{"SELECT 1 AS one"};

/// The newest time in a column, among the recent rows or all rows.
Query newest_query(const View& view, std::string_view column, Time now, bool is_recent) {
  Query query{"SELECT MAX(" + std::string(column) + ") AS newest FROM " + std::string(view.name) +
                  " WHERE " + std::string(column) + " <= :ahead",
              {{"ahead", now + kMaxAhead}}};
  if (!is_recent) return query;
  query.text += " AND " + std::string(view.time) + " >= :from";
  query.parameters["from"] = now - kRecent;
  return query;
}

std::vector<Query> plan(const Business& business) {
  std::vector<Query> queries;
  for (const auto* view : kViews) queries.push_back({columns_statement(*view)});
  queries.push_back(kOne);
  for (const auto* view : kViews) {
    if (view->time.empty()) continue;
    for (const auto column : {std::string_view("loaded_at"), view->time}) {
      queries.push_back(newest_query(*view, column, business.now(), true));
      queries.push_back(newest_query(*view, column, business.now(), false));
      queries.back().note = "where the one before found nothing";
    }
  }
  return queries;
}

class Data {
 public:
  explicit Data(Business& business) : business_(business) {}

  void collect(Samples& samples, const Deadline& deadline) const {
    const auto found = business_.look(deadline);
    samples.add(kMaxAge, std::chrono::duration<double>(business_.config().max_age).count(),
                business_.name(), business_.dataset());
    // Makes each run query the source.
    if (!found->has(kEvents) && !found->has(kOrders)) business_.ask(kOne, deadline);
    for (const auto* view : kViews) {
      const auto& state = found->of(*view);
      samples.add(kPresent, found->has(*view) ? 1 : 0, business_.name(), business_.dataset(),
                  view->name);
      if (state.problem.empty()) {
        samples.add(kMissing, double(state.missing.size()), business_.name(), business_.dataset(),
                    view->name);
      }
      if (!found->has(*view) || view->time.empty()) continue;
      if (found->has(*view, "loaded_at")) {
        add(samples, kLoaded, *view, newest(*view, "loaded_at", deadline));
      }
      add(samples, kNewest, *view, newest(*view, view->time, deadline));
    }
  }

 private:
  std::optional<Time> newest(const View& view, std::string_view column,
                             const Deadline& deadline) const {
    const auto now = business_.now();
    const auto recent = business_.ask(newest_query(view, column, now, true), deadline);
    if (const auto time = Row(recent, 0).time("newest")) return time;
    const auto all = business_.ask(newest_query(view, column, now, false), deadline);
    return Row(all, 0).time("newest");
  }

  void add(Samples& samples, const Metric<3>& metric, const View& view,
           std::optional<Time> time) const {
    if (!time) return;
    samples.add(metric, std::chrono::duration<double>(time->time_since_epoch()).count(),
                business_.name(), business_.dataset(), view.name);
  }

  Business& business_;
};

}  // namespace

constinit const Group kDataGroup{"business_data", Group::Pace::configured, kMetrics, {}, plan,
                                 make_group<Data>};

}  // namespace exporter::sql::business
