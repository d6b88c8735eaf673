#include "exporters/snowflake/show.h"

#include "common/base/text.h"

namespace exporter::snowflake {

std::size_t show(Account& account, const Show& statement, Samples& samples,
                 const Deadline& deadline, const std::function<void(const Row&)>& read) {
  const auto table = account.api.run(
      {.name = std::string(statement.name), .text = std::string(statement.text)}, deadline);
  table.each_row(samples, read);
  return table.size();
}

std::string dataset_of(const Row& row) {
  return to_lower(row.need_text("database_name") + '.' + row.need_text("schema_name") + '.' +
                  row.need_text("name"));
}

}  // namespace exporter::snowflake
