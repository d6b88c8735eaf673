#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace exporter::snowflake {

/// Which values of a label are shown by their names: the largest, and for good, as a series that
/// changed its name now and then would be counted twice. A value that is shown from some time on is
/// "other" in what happened before.
class Largest {
 public:
  using Time = std::chrono::sys_seconds;

  explicit Largest(std::size_t most) : most_(most) {}

  /// The members as text() wrote them; none of what cannot be read.
  void load(std::string_view text);
  std::string text() const;

  /// How much each value has in what was read, at `now`: the largest that are not members become
  /// members as long as there is room. One that had nothing for 30 days makes room.
  void decide(const std::map<std::string, double>& amounts, Time now);

  /// The value where it is shown in a bucket that begins then, else "other".
  std::string_view shown(std::string_view value, Time bucket) const;

  std::size_t size() const { return members_.size(); }

 private:
  struct Member {
    Time since{}, seen{};
  };

  const std::size_t most_;
  std::map<std::string, Member, std::less<>> members_;
};

}  // namespace exporter::snowflake
