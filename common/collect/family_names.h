#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/metric/samples.h"

namespace exporter {

/// Which collector may use which family names, so that no name is twice on a page. Names that are
/// declared in source belong to the collector that declares them; others to the first that uses
/// them.
class FamilyNames {
 public:
  /// Throws Error{config} if another owner has declared the name, or a family that clashes with it:
  /// in OpenMetrics the counter a_total and the gauge a are both the family a.
  void declare(const std::string& owner, const MetricView& metric);

  /// The families of these samples, which may predate a reload, that another owner has declared, or
  /// the same owner with another type.
  std::set<std::string, std::less<>> declared_otherwise(const std::string& owner,
                                                        const Samples& samples) const;

  /// The families of these samples with names from the source that clash with those of others.
  /// `user` is one collector of one source, `owner` all users that share their families and types.
  const std::set<std::string, std::less<>>& clashes(std::size_t user, const std::string& owner,
                                                    const Samples& samples);

 private:
  /// Who uses a name, and for which family.
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
    std::vector<std::string> claimed;  ///< the names that are held
    std::set<std::string, std::less<>> clashing;
    std::size_t names_freed = 0;  ///< when `clashing` was determined
  };
  bool may_take(const std::string& name, const std::string& owner,
                const Samples::FamilyLines& family) const;
  void release(const Use& use);

  std::map<std::string, Claim, std::less<>> declared_, claims_;  // by name
  std::map<std::size_t, Use> uses_;                              // by user
  std::size_t names_freed_ = 0;                                  // how many were released so far
};

/// All names that a family occupies on a page: its own in both formats, and those of its lines
/// (OpenMetrics 1.0, "MetricFamily": names and suffixes may not clash).
std::vector<std::string> taken_names(MetricType type, std::string_view name);

}  // namespace exporter
