#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "common/app/rows.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/json_object.h"
#include "exporters/airflow/asset_events.h"
#include "exporters/airflow/asset_uri.h"
#include "exporters/airflow/later.h"
#include "exporters/airflow/list.h"

namespace exporter::airflow {
namespace {

constexpr auto kInfo = info("airflow_asset_info",
                            "Information about an asset (Airflow 2: dataset). dataset is "
                            "database.schema.table in lower case if the URI names a table.",
                            "deployment", "asset", "uri", "dataset", "group");
constexpr auto kProducer = info("airflow_asset_producer_info",
                                "A task with the asset among its outlets, in a DAG that is shown; "
                                "dataset as in airflow_asset_info.",
                                "deployment", "asset", "dataset", "dag_id", "task_id");
constexpr auto kLastEvent =
    gauge("airflow_asset_last_event_timestamp_seconds",
          "When the asset was last updated, in seconds since 1970.", "deployment", "asset");
constexpr auto kEvents =
    counter("airflow_asset_events_total", "Updates of the asset.", "deployment", "asset");
constexpr auto kReadUpTo = gauge("airflow_asset_events_read_timestamp_seconds",
                                 "Time up to which updates of assets are counted, by the "
                                 "deployment's clock, in seconds since 1970.",
                                 "deployment");
constexpr auto kUnread =
    gauge("airflow_assets_unread", "Assets that were left out because there are more than 10000.",
          "deployment");
constexpr auto kHiddenProducers =
    gauge("airflow_asset_producers_hidden",
          "Tasks with outlets that were left out because there are more than 10000.", "deployment");
constexpr MetricView kMetrics[] = {kInfo,     kProducer, kLastEvent,      kEvents,
                                   kReadUpTo, kUnread,   kHiddenProducers};

constexpr std::size_t kMostAssets = 10'000, kMostProducers = 10'000, kMostRequests = 30;
constexpr auto kListPause = std::chrono::minutes(5);
constexpr std::string_view kPosition = "position", kLast = "last/";

std::string micros(Time time) { return std::to_string(time.time_since_epoch().count()); }

/// Ids start again in a new database, but then the times differ.
std::string id_of(const AssetEvent& event) {
  return std::to_string(event.id) + '/' + micros(event.time);
}

void add_position(JsonObject& object, const EventPosition& position) {
  object.add("time", position.time.time_since_epoch().count());
  object.add("index", static_cast<std::int64_t>(position.index));
}

std::string written(const EventPositions& position) {
  JsonObject object, late;
  add_position(object, position.recent);
  add_position(late, position.late);
  object.add("late", late);
  return object.text();
}

EventPosition read_position(const Json& json) {
  return {Time(Time::duration(json.at("time").integer())),
          static_cast<std::size_t>(std::max<std::int64_t>(0, json.at("index").integer()))};
}

/// A position of an older version has no late part, which starts at the next reading.
EventPositions read_positions(const Json& json) {
  const auto late = json.find("late");
  return {read_position(json), late ? read_position(*late) : EventPosition{}};
}

/// The list of events of a deployment, during one run of the collector.
class EventList {
 public:
  EventList(Deployment& deployment, Samples& samples, const Deadline& deadline)
      : api_(deployment.api),
        samples_(samples),
        deadline_(deadline),
        version_(api_.release(deadline).api) {}

  EventPage page(Time since, EventOrder order, std::size_t offset) const;
  bool has_time_filter() const { return version_ == ApiVersion::v2; }

 private:
  Query query_of(Time since, EventOrder order, std::size_t offset, std::size_t limit) const;
  std::string path() const {
    return version_ == ApiVersion::v1 ? "/datasets/events" : "/assets/events";
  }
  std::size_t add_rows(const Answer& answer, EventPage& page) const;

  Api& api_;
  Samples& samples_;
  const Deadline& deadline_;
  const ApiVersion version_;
};

Query EventList::query_of(Time since, EventOrder order, std::size_t offset,
                          std::size_t limit) const {
  Query query{{"order_by", order == EventOrder::oldest_first ? "timestamp" : "-timestamp"},
              {"limit", std::to_string(limit)},
              {"offset", std::to_string(offset)}};
  if (has_time_filter()) {
    query.emplace_back("timestamp_gte",
                       format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(since)));
  }
  return query;
}

/// A page without any readable event is not an error, because it may have a single one.
std::size_t EventList::add_rows(const Answer& answer, EventPage& page) const {
  page.time = answer.time;
  return ListRows(samples_).take(
      answer.body.at(version_ == ApiVersion::v1 ? "dataset_events" : "asset_events"),
      [&](const Json& row) { page.rows.push_back(read_asset_event(version_, row)); });
}

/// If Airflow cannot describe an event, the others are read, and the run fails.
EventPage EventList::page(Time since, EventOrder order, std::size_t offset) const {
  EventPage page;
  const auto ask = [&](std::size_t from, std::size_t limit) {
    return api_.get_once(path(), query_of(since, order, from, limit), deadline_);
  };
  const auto read_part = [&](std::size_t from, std::size_t limit) {
    const auto answer = ask(from, limit);
    const bool has_total = answer.body.find("total_entries").has_value();
    if (has_total) page.total = total_of(answer.body);
    const auto received = add_rows(answer, page);
    if (!has_total) page.total = from + received + (received < limit ? 0 : 1);
    return received;
  };
  const auto count = [&] {
    const auto answer = ask(kBeyond, 1);
    page.time = answer.time;
    return page.total = total_of(answer.body);
  };
  page.received =
      read_page(offset, read_part, count, [&](const Error& error) { samples_.set_failure(error); });
  return page;
}

/// The events of a deployment from its API, during one run of the collector.
AssetEvents events_of(Deployment& deployment, Samples& samples, const Deadline& deadline) {
  const auto list = std::make_shared<const EventList>(deployment, samples, deadline);
  const auto page = [list](Time since, EventOrder order, std::size_t offset) {
    return list->page(since, order, offset);
  };
  return {page, list->has_time_filter()};
}

/// Each run reads the events; the list of assets is read every five minutes.
class Assets {
 public:
  explicit Assets(Deployment& deployment) : deployment_(deployment) {}

  void collect(Samples& samples, const Deadline& deadline) {
    load(deadline);
    try {
      const auto events = events_of(deployment_, samples, deadline);
      const auto newest = deployment_.assets.begin(deadline).newest();
      const auto read = read_events(events, position_, newest, kMostRequests);
      count(read, samples, deadline);
      if (read.failure) throw Error(*read.failure);
      if (Clock::now() >= list_due_) read_assets(read.time, samples, deadline);
    } catch (const Error& error) {
      samples.set_failure(error);
    }
    add_to(samples);
  }

 private:
  using LastEvents = std::map<std::string, Time, std::less<>>;

  void load(const Deadline& deadline);
  void count(const EventsRead& read, Samples& samples, const Deadline& deadline);
  void read_assets(Time now, Samples& samples, const Deadline& deadline);
  void store_list(const std::vector<Asset>& assets, bool is_whole, Time now,
                  const Deadline& deadline);
  void add_to(Samples& samples) const;
  void add_producers(Samples& samples) const;

  Deployment& deployment_;
  bool is_loaded_ = false;
  EventPositions position_;
  LastEvents last_events_;  // by asset
  std::vector<Asset> assets_;
  std::int64_t unread_ = 0;
  Clock::time_point list_due_{};
};

void Assets::load(const Deadline& deadline) {
  if (is_loaded_) return;
  auto run = deployment_.assets.begin(deadline);
  LastEvents last_events;
  run.each_metadata(kLast, [&](std::string_view key, std::string_view text) {
    const auto time = parse_number<std::int64_t>(text);
    if (time) last_events.emplace(key.substr(kLast.size()), Time(Time::duration(*time)));
  });
  const auto position = run.metadata(kPosition);
  if (!position.empty()) position_ = read_positions(Json::parse(position, "stored position"));
  last_events_ = std::move(last_events);
  is_loaded_ = true;
}

/// Prepare, commit, assign. A new position alone needs no commit, because reading from the old one
/// finds nothing else.
void Assets::count(const EventsRead& read, Samples& samples, const Deadline& deadline) {
  if (read.events.empty() && position_.recent.time != Time()) {
    position_ = read.position;
    return;
  }
  auto events = read.events;
  std::ranges::stable_sort(events, {}, &AssetEvent::time);
  auto last_events = last_events_;
  {
    auto run = deployment_.assets.begin(deadline);
    for (const auto& event : events) {
      const auto id = id_of(event);
      const Event counted{id, event.time};
      bool is_new = false;
      try {
        is_new = run.is_new(kEvents, counted);
        run.record(kEvents, counted, 1, deployment_.name, event.asset);
      } catch (const Error& error) {
        if (error.reason() != Reason::decode) throw;
        samples.note_malformed_row(error.what());
        continue;
      }
      auto& last = last_events[event.asset];
      if (!is_later(event.time, last, read.time, is_new)) continue;
      last = event.time;
      run.set_metadata(std::string(kLast) + event.asset, micros(last));
    }
    run.set_metadata(kPosition, written(read.position));
    run.commit();
  }
  last_events_ = std::move(last_events);
  position_ = read.position;
}

void Assets::read_assets(Time now, Samples& samples, const Deadline& deadline) {
  const auto api = deployment_.api.release(deadline).api;
  const bool is_v1 = api == ApiVersion::v1;
  std::vector<Asset> assets;
  const auto left_out = read_list(
      deployment_, is_v1 ? "/datasets" : "/assets", is_v1 ? "datasets" : "assets", {}, samples,
      [&](const Json& row) {
        auto asset = read_asset(api, row);
        if (asset.name.size() > Ledger::kMaxLabelValue)
          row.fail("the name of an asset is too long");
        assets.push_back(std::move(asset));
      },
      deadline, kMostAssets);
  const bool is_whole = left_out.beyond == 0 && !left_out.has_unreadable;
  store_list(assets, is_whole, now, deadline);
  assets_ = std::move(assets);
  unread_ = left_out.beyond;
  list_due_ = Clock::now() + kListPause;
}

/// Starts counters at 0 before their first event, and discards what is known of deleted assets.
void Assets::store_list(const std::vector<Asset>& assets, bool is_whole, Time now,
                        const Deadline& deadline) {
  auto last_events = last_events_;
  std::set<std::string_view> names, known;
  for (const auto& asset : assets_) known.insert(asset.name);
  {
    auto run = deployment_.assets.begin(deadline);
    for (const auto& asset : assets) {
      names.insert(asset.name);
      if (!known.contains(asset.name)) run.ensure(kEvents, deployment_.name, asset.name);
      if (!asset.last_event) continue;
      auto& last = last_events[asset.name];
      if (is_later(*asset.last_event, last, now, last == Time())) last = *asset.last_event;
    }
    if (is_whole) {
      std::erase_if(last_events, [&](const auto& entry) {
        if (names.contains(entry.first)) return false;
        run.set_metadata(std::string(kLast) + entry.first, {});
        return true;
      });
    }
    run.commit();
  }
  last_events_ = std::move(last_events);
}

void Assets::add_to(Samples& samples) const {
  const auto& name = deployment_.name;
  for (const auto& asset : assets_) {
    samples.add(kInfo, 1, name, asset.name, asset.uri, dataset_of(asset.uri), asset.group);
    const auto last = last_events_.find(asset.name);
    if (last != last_events_.end()) {
      samples.add(kLastEvent, seconds_of(last->second), name, asset.name);
    }
  }
  if (list_due_ != Clock::time_point()) {
    add_producers(samples);
    samples.add(kUnread, static_cast<double>(unread_), name);
  }
  if (position_.recent.time != Time())
    samples.add(kReadUpTo, seconds_of(position_.recent.time), name);
  deployment_.assets->add_to(samples, kEvents);
}

void Assets::add_producers(Samples& samples) const {
  const auto view = deployment_.selection.view();
  std::size_t seen = 0;
  for (const auto& asset : assets_) {
    for (const auto& [dag, task] : asset.producers) {
      if (!view.shows(dag) || ++seen > kMostProducers) continue;
      samples.add(kProducer, 1, deployment_.name, asset.name, dataset_of(asset.uri), dag, task);
    }
  }
  const auto hidden = seen - std::min(seen, kMostProducers);
  samples.add(kHiddenProducers, static_cast<double>(hidden), deployment_.name);
}

}  // namespace

constinit const Module kAssets{"assets",
                               Module::Default::on,
                               kMetrics,
                               {},
                               make<Assets>,
                               Every{std::chrono::minutes(1), std::chrono::minutes(10)},
                               std::chrono::minutes(4)};

}  // namespace exporter::airflow
