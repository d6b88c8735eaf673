#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "common/sql/statement.h"
#include "exporters/sql/business/business.h"
#include "exporters/sql/local_periods.h"

namespace exporter::sql::business {

/// Counts pairs of times, `begun` and the earliest `ended` after it, that are less than a length of
/// time apart. SQL that adds a length to a column is another one in each database; so all pairs
/// that constants can decide are counted in SQL, and the exporter decides about the others.
class Within {
 public:
  /// For pairs that begin in the period, a part of days at a time.
  Within(const Period& period, std::chrono::milliseconds length);

  /// A statement that counts the rows of `pairs`, which has the columns begun, ended (NULL where
  /// nothing followed) and `groups` ("channel, kind"): a query that follows WITH ... AS, or a
  /// table's name.
  std::string statement(const std::string& with, const std::string& pairs,
                        const std::string& groups) const;
  /// The parameters that it has: :cut1, :sure1 and so on.
  void add_to(Parameters& parameters) const;

  /// Whether the pairs of a row of its result ended in time, and how many they are.
  struct Count {
    bool in_time;
    double pairs;
  };
  Count count(const Row& row) const;

 private:
  const std::chrono::milliseconds length_;
  std::vector<Time> cuts_;  ///< where a part begins
};

}  // namespace exporter::sql::business
