#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/deadline.h"

struct sd_bus;

namespace exporter::host {

/// The service manager, accessed over the system bus (org.freedesktop.systemd1(5)). libsystemd is
/// loaded for the first connection, so that processes that do not need it do not have it in memory.
class SystemdManager {
 public:
  struct Unit {
    std::string name, load_state, active_state, path;
  };

  /// Connects. This and all other functions throw Error{connect} if the bus cannot be reached or is
  /// lost, Error{timeout} at the deadline, and Error{io} if libsystemd is not installed.
  explicit SystemdManager(const Deadline& deadline);
  ~SystemdManager();
  SystemdManager(const SystemdManager&) = delete;
  SystemdManager& operator=(const SystemdManager&) = delete;

  /// All units that the manager has in memory. Throws Error{query} if it refuses.
  std::vector<Unit> units(const Deadline& deadline);

  /// A property of the manager or of a unit, e.g. ("Service", "Type"); nothing if there is none.
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
