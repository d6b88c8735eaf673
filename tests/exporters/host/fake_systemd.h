#pragma once

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/temporary_directory.h"

/// A message bus on a Unix socket, with org.freedesktop.systemd1 on it.
class FakeSystemd {
 public:
  /// A property's value: "s" and "o" as text, "u" and "t" as a number.
  struct Property {
    std::string type, value;
  };
  struct Unit {
    std::string name, load_state, active_state;
    std::map<std::string, Property> properties;  ///< by "Service.Type"
  };
  struct State {
    std::vector<Unit> units;
    std::map<std::string, Property> manager;
    bool lists_units = true;
    /// Accepts connections and sends nothing.
    bool mute = false;
    /// The call at which it closes the connection, e.g. "ListUnits".
    std::string hangs_up_at;
  };

  explicit FakeSystemd(State state);
  ~FakeSystemd();
  FakeSystemd(const FakeSystemd&) = delete;
  FakeSystemd& operator=(const FakeSystemd&) = delete;

 private:
  void serve();
  void serve_one(int connection);

  State state_;
  TemporaryDirectory directory_;
  int listener_ = -1, stop_[2];
  std::thread thread_;
};
