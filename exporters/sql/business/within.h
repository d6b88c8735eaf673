#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "common/sql/statement.h"
#include "exporters/sql/business/business.h"
#include "exporters/sql/local_periods.h"

namespace exporter::sql::business {

/// Counts pairs of times, `begun` and the earliest `ended` after it, that are less than a length of
/// time apart. Databases differ in how to add a length to a column; so SQL counts the pairs that
/// can be decided with constants, and the exporter decides the others.
class Within {
 public:
  /// For pairs that begin in the period, which is divided into parts of days.
  Within(const Period& period, std::chrono::milliseconds length);

  /// A statement that counts the rows of `pairs`, which has the columns begun, ended (NULL if
  /// nothing followed) and `groups` ("channel, kind"): a query to follow WITH ... AS, or the name
  /// of a table.
  std::string statement(const std::string& with, const std::string& pairs,
                        const std::string& groups) const;
  /// Adds its parameters: :cut1, :sure1 and so on.
  void add_to(Parameters& parameters) const;

  /// Whether the pairs in a row of its result ended in time, and their number.
  struct Count {
    bool in_time;
    double pairs;
  };
  Count count(const Row& row) const;

 private:
  const std::chrono::milliseconds length_;
  std::vector<Time> cuts_;  ///< the starts of the parts
};

}  // namespace exporter::sql::business
