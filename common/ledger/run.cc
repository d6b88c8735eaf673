#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/ledger/draft.h"
#include "common/ledger/file.h"
#include "common/ledger/ledger_parts.h"

namespace exporter {
namespace {

constexpr const char* kBadBounds = "the bounds of a histogram are positive and ascend";

std::string longer_than(std::size_t bytes) {
  return " is longer than " + std::to_string(bytes) + " bytes";
}

[[noreturn]] void misuse(const MetricView& metric, const char* why) {
  throw Error(Reason::internal, std::string(metric.name) + ": " + why);
}

/// Reports an invalid row; the run continues without it.
[[noreturn]] void refuse(const MetricView& metric, std::span<const std::string_view> labels,
                         const std::string& why) {
  std::string text(metric.name);
  char separator = '{';
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += separator;
    text.append(metric.labels[i]).append("=\"");
    append_label_value(text, labels[i]);
    text += '"';
    separator = ',';
  }
  if (separator == ',') text += '}';
  throw Error(Reason::decode, text + ": " + why);
}

void check_counter(const MetricView& metric) {
  if (metric.type != MetricType::counter) misuse(metric, "not a counter");
}

void check_histogram(const MetricView& metric, std::span<const double> bounds) {
  if (metric.type != MetricType::histogram) misuse(metric, "not a histogram");
  double below = 0;
  for (const double bound : bounds) {
    if (!(bound > below) || !std::isfinite(bound)) misuse(metric, kBadBounds);
    below = bound;
  }
  if (bounds.empty()) misuse(metric, kBadBounds);
}

void check_labels(const MetricView& metric, std::span<const std::string_view> labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].size() > Ledger::kMaxLabelValue) {
      refuse(metric, {},
             "the value of " + std::string(metric.labels[i]) + longer_than(Ledger::kMaxLabelValue));
    }
  }
}

void check_row(const MetricView& metric, const Event& event, double value,
               std::span<const std::string_view> labels) {
  check_labels(metric, labels);
  if (event.id.size() > Ledger::kMaxId) {
    refuse(metric, labels, "the id of an event" + longer_than(Ledger::kMaxId));
  }
  if (!ledger::Amount::takes(value)) refuse(metric, labels, "a value that is not from 0 to 1e18");
}

std::string text_of_counts(const MetricView& metric, std::span<const double> bounds,
                           std::span<const std::uint64_t> counts,
                           std::span<const std::string_view> labels) {
  if (counts.size() != bounds.size() + 1) misuse(metric, "one count for each bound, and one more");
  std::string text;
  for (const auto count : counts) {
    if (static_cast<double>(count) > ledger::Amount::kMaxValue) {
      refuse(metric, labels, "a count that is above 1e18");
    }
    if (!text.empty()) text += ' ';
    text += std::to_string(count);
  }
  return text;
}

}  // namespace

/// The state of a run.
struct Ledger::Run::Impl {
  Impl(Parts& of, const Deadline& deadline, const Options& options, Time now) : parts(of) {
    const ledger::Turn::Hold hold(turn.emplace(of.turns, deadline, of.name));
    hold.check();
    auto& store = parts.ready_store(now);
    store.rollback();  // left over by a run that lost its turn
    draft.emplace(store, parts.book, parts.state, options, now);
  }
  ~Impl() {
    if (!turn) return;
    const ledger::Turn::Hold hold(*turn);
    if (hold && draft) parts.store->rollback();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// Calls `work`, which uses the store; if it fails, the run has failed.
  template <class Work>
  void call(Work&& work) {
    if (!is_intact) throw Error(Reason::internal, "the run of the ledger has ended");
    const ledger::Turn::Hold hold(*turn);
    hold.check();
    is_intact = false;
    try {
      work();
    } catch (const ledger::UnusableFile&) {
      parts.is_unusable = true;
      throw;
    }
    is_intact = true;
  }

  /// Checks a row of the event. If it is rejected, the event's last report stays.
  template <class Check>
  void check(const MetricView& metric, std::span<const double> bounds, const Event& event,
             Check&& check_all) {
    try {
      check_all();
    } catch (const Error& error) {
      if (error.reason() == Reason::decode) call([&] { draft->keep(metric, bounds, event.id); });
      throw;
    }
  }

  void report(const MetricView& metric, std::span<const double> bounds, const Event& event,
              ledger::EventValue value, std::span<const std::string_view> labels) {
    check(metric, bounds, event, [&] { check_row(metric, event, *value.number, labels); });
    call([&] {
      key.clear();
      ledger::append_labels_key(key, labels);
      draft->report(draft->family(metric, bounds), event, std::move(value), key);
    });
  }

  Parts& parts;
  std::optional<ledger::Turn> turn;  ///< until the commit
  std::optional<ledger::Draft> draft;
  bool is_intact = true;
  std::string key;
};

Ledger::Run Ledger::begin(const Deadline& deadline, const Options& options, Time now) {
  check(options);
  return Run(std::make_unique<Run::Impl>(*parts_, deadline, options, now));
}

Ledger::Run::Run(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::Run::~Run() = default;

void Ledger::Run::record(const MetricView& counter, const Event& event, double value,
                         std::span<const std::string_view> labels) {
  check_counter(counter);
  impl_->report(counter, {}, event, {value, {}}, labels);
}

bool Ledger::Run::is_new(const MetricView& counter, const Event& event) {
  check_counter(counter);
  bool is_new = false;
  impl_->call([&] {
    auto& draft = *impl_->draft;
    is_new = draft.is_new(draft.family(counter, {}), event);
  });
  return is_new;
}

void Ledger::Run::observe(const MetricView& histogram, std::span<const double> bounds,
                          const Event& event, double value,
                          std::span<const std::string_view> labels) {
  check_histogram(histogram, bounds);
  impl_->report(histogram, bounds, event, {value, {}}, labels);
}

void Ledger::Run::observe_counts(const MetricView& histogram, std::span<const double> bounds,
                                 const Event& event, std::span<const std::uint64_t> counts,
                                 double sum, std::span<const std::string_view> labels) {
  check_histogram(histogram, bounds);
  std::string text;
  impl_->check(histogram, bounds, event,
               [&] { text = text_of_counts(histogram, bounds, counts, labels); });
  impl_->report(histogram, bounds, event, {sum, std::move(text)}, labels);
}

void Ledger::Run::keep(const MetricView& metric, std::string_view id,
                       std::span<const double> bounds) {
  impl_->call([&] { impl_->draft->keep(metric, bounds, id); });
}

void Ledger::Run::ensure(const MetricView& counter, std::span<const std::string_view> labels) {
  check_counter(counter);
  check_labels(counter, labels);
  impl_->call([&] {
    impl_->key.clear();
    ledger::append_labels_key(impl_->key, labels);
    impl_->draft->ensure(impl_->draft->family(counter, {}), impl_->key);
  });
}

Ledger::Time Ledger::Run::newest() const { return impl_->draft->newest(); }

void Ledger::Run::replace_window(Time from, Time to, std::span<const MetricView> families) {
  impl_->call([&] {
    auto& draft = *impl_->draft;
    if (draft.has_reported()) {
      throw Error(Reason::internal, "replace_window() comes before what it replaces");
    }
    draft.replace_window(from, to, families);
  });
}

std::string Ledger::Run::metadata(std::string_view key) {
  std::string text;
  impl_->call([&] { text = impl_->parts.store->metadata(key); });
  return text;
}

void Ledger::Run::set_metadata(std::string_view key, std::string_view text) {
  if (key.size() > kMaxMetadataKey) {
    throw Error(Reason::decode, "a metadata key" + longer_than(kMaxMetadataKey));
  }
  if (text.size() > kMaxMetadata) {
    throw Error(Reason::decode, "metadata" + longer_than(kMaxMetadata));
  }
  impl_->call([&] { impl_->draft->set_metadata(key, text); });
}

void Ledger::Run::each_metadata(
    std::string_view prefix, const std::function<void(std::string_view, std::string_view)>& use) {
  ledger::Store::Metadata all;
  impl_->call([&] { all = impl_->parts.store->metadata_of(prefix); });
  for (const auto& [key, text] : all) use(key, text);
}

void Ledger::Run::commit() {
  impl_->call([&] {
    auto& parts = impl_->parts;
    impl_->draft->finish();
    const auto size = ledger::size_bytes(*parts.database);
    parts.store->commit();
    const std::lock_guard lock(parts.mutex);
    impl_->draft->publish(parts.state);
    parts.size_bytes = size;
  });
  impl_->is_intact = false;
  impl_->turn.reset();
}

}  // namespace exporter
