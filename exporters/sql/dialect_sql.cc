#include "exporters/sql/dialect_sql.h"

namespace exporter::sql {

std::string_view server_time(Dialect dialect) noexcept {
  switch (dialect) {
    case Dialect::postgresql: return "now()";
    case Dialect::mariadb:
    case Dialect::mysql: return "utc_timestamp(6)";
    case Dialect::sqlite: return "strftime('%Y-%m-%d %H:%M:%f', 'now')";
    case Dialect::sqlserver: return "sysutcdatetime()";
    case Dialect::other: return "CURRENT_TIMESTAMP";
  }
  return {};
}

std::string is_later(std::string_view time, std::string_view than, std::chrono::seconds by,
                     Dialect dialect) {
  const std::string left(time), right(than), seconds = std::to_string(by.count());
  switch (dialect) {
    case Dialect::postgresql: return left + " > " + right + " + INTERVAL '" + seconds + " seconds'";
    case Dialect::mariadb:
    case Dialect::mysql: return left + " > " + right + " + INTERVAL " + seconds + " SECOND";
    // Texts: 'YYYY-MM-DD HH:MM:SS.FFF' as seconds.
    case Dialect::sqlite:
      return "strftime('%s', " + left + ") - strftime('%s', " + right + ") > " + seconds;
    case Dialect::sqlserver: return left + " > DATEADD(second, " + seconds + ", " + right + ")";
    case Dialect::other:
      return left + " > {fn TIMESTAMPADD(SQL_TSI_SECOND, " + seconds + ", " + right + ")}";
  }
  return {};
}

}  // namespace exporter::sql
