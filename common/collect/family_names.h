#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/metric/samples.h"

namespace exporter {

/// Which collector may use which family names on a page, where no name may stand twice. Names that
/// are declared in source belong to who declares them; others to who uses them first.
class FamilyNames {
 public:
  /// Throws Error{config} when another owner has declared the name, or someone another family that
  /// clashes with it: in OpenMetrics the counter a_total and the gauge a are both the family a.
  void declare(const std::string& owner, const MetricView& metric);

  /// The families of these samples that clash with what others have declared, or their owner with
  /// another type: of samples from before a reload.
  std::set<std::string, std::less<>> declared_otherwise(const std::string& owner,
                                                        const Samples& samples) const;

  /// The families of these samples, whose names come from the source, that clash with what others
  /// use. `user` is one collector of one source, `owner` all that share their families, and the
  /// type of each.
  const std::set<std::string, std::less<>>& clashes(std::size_t user, const std::string& owner,
                                                    const Samples& samples);

 private:
  /// Which family of whom has a name.
  struct Claim {
    std::string owner, family;
    MetricType type;
    std::size_t users;

    bool is_of(std::string_view who, std::string_view name, MetricType of) const {
      return owner == who && family == name && type == of;
    }
  };
  struct Use {
    std::vector<std::pair<std::string, MetricType>> families;
    std::vector<std::string> claimed;  ///< the names that they take
    std::set<std::string, std::less<>> clashing;
    std::size_t names_freed = 0;  ///< as it was when this was decided
  };
  bool may_take(const std::string& name, const std::string& owner,
                const Samples::FamilyLines& family) const;
  void release(const Use& use);

  std::map<std::string, Claim, std::less<>> declared_, claims_;  // by name
  std::map<std::size_t, Use> uses_;                              // by user
  std::size_t names_freed_ = 0;                                  // how often one became free
};

/// The names that a family takes on a page: its own in both formats, and those of its lines
/// (OpenMetrics 1.0, "MetricFamily": names and suffixes may not clash).
std::vector<std::string> taken_names(MetricType type, std::string_view name);

}  // namespace exporter
