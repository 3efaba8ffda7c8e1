# What `cmake --install` and the packages hold. Everything is found from where it lies, so a prefix may be moved.
#   bin/ensgrad                        the program; HDF5, libyaml and zlib inside where their archives were found
#   lib/libensgrad.so.X.Y.Z            the functions of include/ensgrad for C programs, with shared HDF5
#   lib/ensgrad/libensgrad_cuda.so     the CUDA plug-in, where it was built
#   include/ensgrad                    the public headers;  lib/cmake/ensgrad, lib/pkgconfig: how to link
#   share/ensgrad/{kernels,studies,data}   kernel sources (a user's model is compiled with them), studies, their data
#   share/man, share/bash-completion, share/zsh, share/doc
# The layout is fixed (lib/, not lib/ARCHITECTURE/): program and library look for each other's files in it.
set(CMAKE_INSTALL_LIBDIR lib)

# The same layout below the build folder, as the program sees it.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share/ensgrad)
foreach(folder kernels studies data)
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${CMAKE_BINARY_DIR}/share/ensgrad/${folder} SYMBOLIC)
endforeach()

install(TARGETS ensgrad_program RUNTIME DESTINATION bin)
if(TARGET ensgrad_mpi)
  install(TARGETS ensgrad_mpi RUNTIME DESTINATION bin)
endif()
install(DIRECTORY kernels studies DESTINATION share/ensgrad)
install(FILES data/diabetes.h5 data/README.md DESTINATION share/ensgrad/data)
install(FILES README.md DESTINATION share/doc/ensgrad)
install(FILES LICENSE DESTINATION share/doc/ensgrad RENAME copyright)
install(DIRECTORY docs/ DESTINATION share/doc/ensgrad FILES_MATCHING PATTERN "*.md" PATTERN "*.png")

# ---- the shared library ----
# While the version begins with 0 every minor version may change the interface: it is part of the soname.
if(ensgrad_has_shared_dependencies)
  set(ensgrad_soname ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
  add_library(ensgrad_shared SHARED $<TARGET_OBJECTS:ensgrad_objects> ${ensgrad_kernel_objects})
  set_target_properties(ensgrad_shared PROPERTIES OUTPUT_NAME ensgrad EXPORT_NAME ensgrad VERSION ${PROJECT_VERSION}
                                                  SOVERSION ${ensgrad_soname})
  target_link_libraries(ensgrad_shared PRIVATE ensgrad_shared_dependencies Threads::Threads ${CMAKE_DL_LIBS} m)
  target_link_options(ensgrad_shared PRIVATE -Wl,--exclude-libs,ALL -Wl,-Bsymbolic-functions -Wl,--as-needed)
  if(ENSGRAD_SANITIZE)
    target_link_options(ensgrad_shared PRIVATE -fsanitize=${ENSGRAD_SANITIZE})
  else()
    target_link_options(ensgrad_shared PRIVATE -Wl,--no-undefined)
  endif()
  target_include_directories(ensgrad_shared INTERFACE $<INSTALL_INTERFACE:include>)

  install(TARGETS ensgrad_shared EXPORT ensgrad LIBRARY DESTINATION lib)
  install(DIRECTORY include/ensgrad DESTINATION include)
  install(EXPORT ensgrad NAMESPACE ensgrad:: DESTINATION lib/cmake/ensgrad FILE ensgrad-config.cmake)
  include(CMakePackageConfigHelpers)
  write_basic_package_version_file(${CMAKE_BINARY_DIR}/ensgrad-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_BINARY_DIR}/ensgrad-config-version.cmake DESTINATION lib/cmake/ensgrad)
  configure_file(cmake/ensgrad.pc.in ensgrad.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/ensgrad.pc DESTINATION lib/pkgconfig)
else()
  message(STATUS "installation: no shared HDF5, zlib and libyaml: the library for C programs is left out")
endif()

# ---- manual and completion: printed by the program from its own tables ----
if(NOT CMAKE_CROSSCOMPILING OR CMAKE_CROSSCOMPILING_EMULATOR)
  foreach(form man bash zsh)
    set(page_man ensgrad.1)
    set(page_bash ensgrad.bash)
    set(page_zsh _ensgrad)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/${page_${form}} COMMAND ensgrad_program help --as ${form} >
                       ${CMAKE_BINARY_DIR}/${page_${form}} DEPENDS ensgrad_program VERBATIM)
    list(APPEND ensgrad_pages ${CMAKE_BINARY_DIR}/${page_${form}})
  endforeach()
  add_custom_target(ensgrad_manual ALL DEPENDS ${ensgrad_pages})
  install(FILES ${CMAKE_BINARY_DIR}/ensgrad.1 DESTINATION share/man/man1)
  install(FILES ${CMAKE_BINARY_DIR}/ensgrad.bash DESTINATION share/bash-completion/completions RENAME ensgrad)
  install(FILES ${CMAKE_BINARY_DIR}/_ensgrad DESTINATION share/zsh/site-functions)
else()
  message(STATUS "installation: cross-compiled without an emulator: no manual, no completion")
endif()

# ---- packages: `cpack -G TGZ`, `cpack -G DEB` in the build folder ----
set(CPACK_PACKAGE_NAME ensgrad)
set(CPACK_PACKAGE_VENDOR ensgrad)
set(CPACK_PACKAGE_CONTACT "ensgrad maintainers <maintainers@ensgrad.invalid>") # no address is published yet
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_GENERATOR TGZ DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_FILE_NAME ensgrad-${PROJECT_VERSION}-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gcc | clang, libc6-dev") # models of one's own are compiled
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "${PROJECT_DESCRIPTION}
 A study file goes in; millions to billions of independent trajectories of
 stochastic gradient descent, or of the stochastic differential equations that
 model it, are advanced in parallel and reduced where they run; a labelled HDF5
 file comes out, with an error bar beside every number.")
include(CPack)
