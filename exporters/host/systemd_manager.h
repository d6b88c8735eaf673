#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/deadline.h"

struct sd_bus;

namespace exporter::host {

/// The service manager, asked over the system's message bus (org.freedesktop.systemd1(5)).
/// libsystemd is loaded when the first connection is made, so that only those carry it who ask.
class SystemdManager {
 public:
  struct Unit {
    std::string name, load_state, active_state, path;
  };

  /// Connects. This and all calls throw Error{connect} when the bus cannot be reached or is lost,
  /// Error{timeout} when the deadline passes, and Error{io} when libsystemd is not installed.
  explicit SystemdManager(const Deadline& deadline);
  ~SystemdManager();
  SystemdManager(const SystemdManager&) = delete;
  SystemdManager& operator=(const SystemdManager&) = delete;

  /// All units that the manager has in memory. Throws Error{query} when it refuses.
  std::vector<Unit> units(const Deadline& deadline);

  /// A property of the manager or of a unit, e.g. ("Service", "Type"); nothing when there is none.
  std::optional<std::string> manager_text(const char* property, const Deadline& deadline);
  std::optional<std::string> text(const Unit& unit, const char* kind, const char* property,
                                  const Deadline& deadline);
  std::optional<std::uint32_t> number32(const Unit& unit, const char* kind, const char* property,
                                        const Deadline& deadline);
  std::optional<std::uint64_t> number64(const Unit& unit, const char* kind, const char* property,
                                        const Deadline& deadline);

 private:
  void limit(const Deadline& deadline);
  bool succeeded(int result, const Deadline& deadline) const;
  std::optional<std::string> text_at(const char* path, const std::string& interface,
                                     const char* property, const Deadline& deadline);
  bool number_at(const Unit& unit, const char* kind, const char* property, char type, void* value,
                 const Deadline& deadline);

  sd_bus* bus_ = nullptr;
};

}  // namespace exporter::host
