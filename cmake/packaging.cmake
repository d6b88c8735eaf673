# What "cmake --install" installs, and the Debian packages that "cpack -G DEB" makes of it: one an
# exporter. Both take what has been built.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)
find_program(GZIP gzip REQUIRED)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME data-platform-exporters)
set(CPACK_PACKAGE_VENDOR "Data Platform Exporters")
set(CPACK_PACKAGE_CONTACT "Data Platform Exporters <maintainers@data-platform-exporters.example>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/find_shlibdeps.cmake)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# Packages an exporter: its binary, man page, unit, user, flags and example configuration. Packages
# that it needs and is not linked with follow.
#   package_exporter(host "Linux hosts and containers")
function(package_exporter name subject)
  set(exporter ${name}_exporter)
  set(package data-platform-${name}-exporter)
  set(made ${CMAKE_BINARY_DIR}/packaging/${package})
  set(sources ${CMAKE_SOURCE_DIR}/deploy)
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
  foreach(file default postinst postrm prerm)
    configure_file(${sources}/debian/${file}.in ${made}/${file} @ONLY
      FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
      WORLD_EXECUTE)
  endforeach()
  file(WRITE ${made}/conffiles
    "/etc/data-platform-exporters/${exporter}.yml\n/etc/default/${exporter}\n")
  configure_file(${sources}/debian/changelog.in ${made}/changelog @ONLY)

  add_custom_command(OUTPUT ${made}/${exporter}.1.gz VERBATIM
    DEPENDS ${exporter} ${CMAKE_SOURCE_DIR}/cmake/man_page.awk
    COMMAND ${exporter} --help | awk -v name=${exporter} -v version=${PROJECT_VERSION}
      -f ${CMAKE_SOURCE_DIR}/cmake/man_page.awk | ${GZIP} -9n > ${made}/${exporter}.1.gz)
  add_custom_command(OUTPUT ${made}/changelog.gz VERBATIM DEPENDS ${made}/changelog
    COMMAND ${GZIP} -9n < ${made}/changelog > ${made}/changelog.gz)
  add_custom_target(${exporter}_package ALL DEPENDS ${made}/${exporter}.1.gz ${made}/changelog.gz)

  install(TARGETS ${exporter} DESTINATION bin COMPONENT ${exporter})
  install(FILES ${made}/${exporter}.1.gz DESTINATION share/man/man1 COMPONENT ${exporter})
  install(FILES ${sources}/debian/copyright ${made}/changelog.gz
    DESTINATION share/doc/${package} COMPONENT ${exporter})
  install(FILES ${sources}/systemd/${exporter}.service ${sources}/systemd/${exporter}.socket
    DESTINATION /lib/systemd/system COMPONENT ${exporter})
  install(FILES ${made}/default RENAME ${exporter} DESTINATION /etc/default COMPONENT ${exporter})
  install(FILES ${sources}/config/${exporter}.yml DESTINATION /etc/data-platform-exporters
    COMPONENT ${exporter})

  string(TOUPPER ${exporter} component)
  set(prefix CPACK_DEBIAN_${component})
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${exporter} PARENT_SCOPE)
  set(${prefix}_PACKAGE_NAME ${package} PARENT_SCOPE)
  set(${prefix}_DESCRIPTION "Prometheus exporter for ${subject}
It runs as a service of its own user, in a sandbox. Its flags are in
/etc/default/${exporter}, its configuration is in
/etc/data-platform-exporters/${exporter}.yml." PARENT_SCOPE)
  set(needed adduser "init-system-helpers (>= 1.54)" procps ${ARGN})
  list(JOIN needed ", " needed)
  set(${prefix}_PACKAGE_DEPENDS "${needed}" PARENT_SCOPE)
  set(${prefix}_PACKAGE_CONTROL_EXTRA
    ${made}/conffiles ${made}/postinst ${made}/postrm ${made}/prerm PARENT_SCOPE)
endfunction()

package_exporter(airflow "Apache Airflow" tzdata)
package_exporter(dbt "dbt")
package_exporter(host "Linux hosts and containers")
package_exporter(snowflake "Snowflake")
package_exporter(sql "SQL databases")
# A driver for each kind of database; one is enough.
set(CPACK_DEBIAN_SQL_EXPORTER_PACKAGE_RECOMMENDS
  "odbc-postgresql | odbc-mariadb | libsqliteodbc | tdsodbc | odbc-driver")
set(CPACK_DEBIAN_SQL_EXPORTER_PACKAGE_SUGGESTS "odbc-postgresql, odbc-mariadb, libsqliteodbc, tdsodbc")

include(CPack)
