#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace exporter::snowflake {

/// The values of a label that have series of their own: the largest, permanently, because a value
/// that moved to another series would be counted twice. Before a value becomes a member it counts
/// as "other".
class Largest {
 public:
  using Time = std::chrono::sys_seconds;

  explicit Largest(std::size_t most) : most_(most) {}

  /// Loads members from text(); entries that cannot be read are left out.
  void load(std::string_view text);
  std::string text() const;

  /// Given the total of each value in the data read at `now`, makes the largest ones members while
  /// there is room, but none of more than 250 bytes, with one more for each quote and backslash, or
  /// with control characters. A member that had nothing for 30 days makes room.
  void decide(const std::map<std::string, double>& amounts, Time now);

  /// The value if it was a member when the bucket started, else "other".
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
