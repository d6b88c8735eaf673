#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "common/base/error.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// A part of the list of events.
struct EventPage {
  std::vector<AssetEvent> rows;
  std::size_t received = 0;  ///< with those that could not be read
  std::size_t total = 0;     ///< in the whole list
  Time time;                 ///< the server's clock
};

enum class EventOrder { oldest_first, newest_first };

/// What is asked of a deployment. A function, so that the tests can put made-up events in its
/// place.
struct AssetEvents {
  /// A page of the events, from the offset on; of those since then where there is such a filter.
  std::function<EventPage(Time since, EventOrder, std::size_t offset)> page;
  bool has_time_filter = false;  ///< Airflow 3
};

/// From when on, by the server's clock, events are still to be read, or once more.
struct EventPosition {
  Time time;  ///< 1970 before the first look
  std::size_t index =
      0;  ///< without a time filter: where these are in the list, or a little before
};

/// What a look found.
struct EventsRead {
  std::vector<AssetEvent> events;  ///< may have been read before
  EventPosition position;          ///< to be handed to the next look, once the events are counted
  /// Why it could not read all of it. What was read is good, and the next look goes on from there.
  std::optional<Error> failure;
};

/// Reads the events since the position, the oldest first, so that none is missed: an event may be
/// committed up to a minute after its time, so that the last minute of a look is read again by the
/// next. At most `most_requests` are made; one, as long as fewer than a page are new.
///
/// The first look is for events to come. Without a time filter it reads up to 1,000 of those
/// before, which say when assets had their last event.
EventsRead read_events(const AssetEvents& events, const EventPosition& position,
                       std::size_t most_requests);

}  // namespace exporter::airflow
