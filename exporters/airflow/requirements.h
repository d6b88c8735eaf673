#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/app/settings.h"
#include "common/base/time_zone.h"
#include "common/config/yaml.h"
#include "exporters/airflow/dag_list.h"
#include "exporters/airflow/selection.h"

namespace exporter::airflow {

/// The deadlines by which DAGs must have succeeded: the key `deadlines` of a deployment.
class Requirements {
 public:
  /// Throws Error{config}.
  explicit Requirements(const Yaml& deployment);

  bool empty() const { return rules_.empty(); }

  /// For each DAG of the list with a deadline, the time since when it must have had a successful
  /// run; the strictest if several apply. Leaves out DAGs that are paused or in no file.
  std::map<std::string, Time> of(const DagList& list, Time now) const;

  /// The expressions (`dag_id`) of the deadlines that match no DAG of the view's list that counts;
  /// all of them if there is no list.
  std::vector<std::string> unmatched(const DagView& view) const;

 private:
  /// A daily time; see docs/airflow.md.
  struct DoneBy {
    TimeZone zone;
    std::chrono::minutes by{}, since{};  ///< since midnight
    bool counts[7] = {};                 ///< days of the week; Sunday is the first

    std::optional<Time> required_since(Time now) const;
  };
  struct Rule {
    std::string dag_id;  ///< the expression of `dags`
    Filter dags;
    std::optional<DoneBy> done_by;
    std::chrono::milliseconds max_age{};  ///< unless done_by

    std::optional<Time> required_since(Time now) const;
  };

  static Rule read_rule(const Yaml& entry);
  static DoneBy read_done_by(const Yaml& entry, const Yaml& done_by);

  std::vector<Rule> rules_;
};

}  // namespace exporter::airflow
