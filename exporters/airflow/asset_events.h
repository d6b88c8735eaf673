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

/// From when on, by the server's clock, events are still to be read.
struct EventPosition {
  Time time;  ///< 1970 before the first look
  std::size_t index =
      0;  ///< without a time filter: where these are in the list, or a little before
};

/// From where on events are still to be read, and once more, as some are committed late.
struct EventPositions {
  EventPosition recent, late;
};

/// What a look found.
struct EventsRead {
  std::vector<AssetEvent> events;  ///< may have been read before
  EventPositions position;         ///< to be handed to the next look, once the events are counted
  Time time;                       ///< the server's clock; 1970 if it did not reply
  /// Why it could not read all of it. What was read is good, and the next look goes on from there.
  std::optional<Error> failure;
};

/// Reads the events since the position, the oldest first, so that none is missed: an event has the
/// time at which its transaction began, in Airflow 2 by the clock of a worker. The last minute of a
/// look is read again by the next, and every ten minutes what is eleven minutes old. At most
/// `most_requests` are made; one, as long as fewer than a page have a time in the last 21 minutes.
///
/// The first look is for events to come. Without a time filter it reads up to 1,000 of those
/// before, which say when assets had their last event.
///
/// A look that finds the position ahead of the server's clock, because that was wrong, reads
/// nothing: the next one begins at `newest`, the newest event that was counted.
EventsRead read_events(const AssetEvents& events, const EventPositions& position, Time newest,
                       std::size_t most_requests);

}  // namespace exporter::airflow
