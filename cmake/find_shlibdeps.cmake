# Without it cpack would make packages that lack the libraries they need, and say so in a line only.
find_program(SHLIBDEPS dpkg-shlibdeps)
if(NOT SHLIBDEPS)
  message(FATAL_ERROR "dpkg-shlibdeps is missing: install dpkg-dev")
endif()
