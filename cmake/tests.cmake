# tests/<label>/test_*.c: one program each, label = folder. Scripts: tests/<label>/*.sh with the program as argument.
# Label slow: minutes; scripts/test leaves them out (ctest -LE slow), `ctest -L slow` runs them.
set(test_seconds 3600) # nobody waits so long: it ends what hangs, and nothing on a busy machine or with sanitizers
if(CMAKE_CROSSCOMPILING_EMULATOR)
  set(test_seconds 14400) # many times slower
endif()
add_custom_target(test_helpers) # what the scripts call besides the program
foreach(label unit conformance golden physics cluster slow)
  add_custom_target(tests_${label})
  file(GLOB test_sources CONFIGURE_DEPENDS tests/${label}/test_*.c)
  foreach(source ${test_sources})
    get_filename_component(name ${source} NAME_WE)
    if(name MATCHES "^test_(thread|population)_form$" AND ensgrad_isas STREQUAL "base")
      continue() # they compare with both vector forms of x86-64
    endif()
    add_executable(${name} ${source})
    add_dependencies(tests_${label} ${name})
    target_link_libraries(${name} PRIVATE ensgrad)
    target_include_directories(${name} PRIVATE tests)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${label}.${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT ${test_seconds})
  endforeach()
endforeach()
# The z of all known answers together: each physics test leaves its own, the last test reads them.
file(GLOB z_sources CONFIGURE_DEPENDS tests/physics/test_*.c)
foreach(source ${z_sources})
  get_filename_component(name ${source} NAME_WE)
  set_tests_properties(physics.${name} PROPERTIES ENVIRONMENT ENSGRAD_Z_FOLDER=${CMAKE_BINARY_DIR}/z)
  if(NOT name MATCHES "^test_suite_")
    list(APPEND z_tests physics.${name})
  endif()
endforeach()
set_tests_properties(physics.test_suite_z physics.test_suite_steppers PROPERTIES DEPENDS "${z_tests}")
include(cmake/staging.cmake) # what test_staging is made of
include(cmake/population_form.cmake) # what test_population_form is made of
include(cmake/team_form.cmake) # and test_team_twin
include(cmake/thread_form.cmake) # and test_thread_form; the device that is played, of all of them
include(cmake/model_probe.cmake) # what test_models is made of
add_test(NAME slow.test_math_full COMMAND test_math --full)
foreach(name digits_momentum spectrum_simulated) # minutes more of the same tables
  add_test(NAME slow.test_${name}_full COMMAND test_${name} --full WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(slow.test_${name}_full PROPERTIES LABELS slow TIMEOUT 3600)
endforeach()
set_tests_properties(slow.test_math_full PROPERTIES LABELS slow TIMEOUT 3600)
file(GLOB slow_sources CONFIGURE_DEPENDS tests/slow/test_*.c)
foreach(source ${slow_sources})
  get_filename_component(name ${source} NAME_WE)
  set_tests_properties(slow.${name} PROPERTIES TIMEOUT 3600)
endforeach()
# Helpers that the scripts of tests/golden call, beside the tests.
foreach(name hash_result make_two_columns)
  add_executable(${name} tests/golden/${name}.c)
  add_dependencies(test_helpers ${name})
  target_link_libraries(${name} PRIVATE ensgrad)
  target_include_directories(${name} PRIVATE tests)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endforeach()
add_executable(same_result tests/cluster/same_result.c) # for the scripts of tests/cluster and scripts/reliability
add_dependencies(test_helpers same_result)
target_link_libraries(same_result PRIVATE ensgrad)
target_include_directories(same_result PRIVATE tests)
set_target_properties(same_result PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
if(TARGET ensgrad_mpi)
  add_test(NAME cluster.mpi COMMAND sh tests/cluster/mpi.sh $<TARGET_FILE:ensgrad_program> $<TARGET_FILE:ensgrad_mpi> ${MPIEXEC_EXECUTABLE}
           WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(cluster.mpi PROPERTIES LABELS "cluster;mpi" SKIP_RETURN_CODE 77 TIMEOUT ${test_seconds} PROCESSORS 2)
  # Debian keeps a second MPI beside the default one under names of its own.
  find_program(MPICH_COMPILER mpicc.mpich)
  find_program(MPICH_EXECUTABLE mpiexec.mpich)
  if(MPICH_COMPILER AND MPICH_EXECUTABLE AND NOT MPI_C_COMPILER MATCHES mpich)
    execute_process(COMMAND ${MPICH_COMPILER} -show OUTPUT_VARIABLE mpich_command OUTPUT_STRIP_TRAILING_WHITESPACE)
    separate_arguments(mpich_words UNIX_COMMAND "${mpich_command}")
    add_executable(ensgrad_mpich ${mpi_sources} ${mpi_cli_sources})
    set_target_properties(ensgrad_mpich PROPERTIES OUTPUT_NAME ensgrad-mpich ENABLE_EXPORTS ON
                                                   RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    target_link_libraries(ensgrad_mpich PRIVATE ensgrad)
    foreach(word ${mpich_words})
      if(word MATCHES "^-I(.+)")
        target_include_directories(ensgrad_mpich PRIVATE ${CMAKE_MATCH_1})
      elseif(word MATCHES "^-[lL]")
        target_link_libraries(ensgrad_mpich PRIVATE ${word})
      endif()
    endforeach()
    add_test(NAME cluster.mpich COMMAND sh tests/cluster/mpi.sh $<TARGET_FILE:ensgrad_program> $<TARGET_FILE:ensgrad_mpich>
             ${MPICH_EXECUTABLE} second WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(cluster.mpich PROPERTIES LABELS "cluster;mpi" SKIP_RETURN_CODE 77 TIMEOUT ${test_seconds} PROCESSORS 2)
  endif()
endif()
add_library(faults SHARED tests/reliability/faults.c) # LD_PRELOAD of scripts/reliability
target_compile_options(faults PRIVATE -Wall -Wextra)
target_compile_definitions(faults PRIVATE _GNU_SOURCE)
target_link_libraries(faults PRIVATE ${CMAKE_DL_LIBS})
set_target_properties(faults PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests C_EXTENSIONS ON)
# Scripts call the program and its helpers by name. Cross-compiled ones are called through the emulator, by small scripts
# of these names in a folder of their own.
set(program_for_scripts $<TARGET_FILE:ensgrad_program>)
if(CMAKE_CROSSCOMPILING_EMULATOR)
  string(REPLACE ";" " " emulator "${CMAKE_CROSSCOMPILING_EMULATOR}")
  foreach(name ensgrad tests/hash_result tests/make_two_columns tests/same_result)
    file(WRITE ${CMAKE_BINARY_DIR}/emulated/${name} "#!/bin/sh\nexec ${emulator} ${CMAKE_BINARY_DIR}/${name} \"$@\"\n")
    file(CHMOD ${CMAKE_BINARY_DIR}/emulated/${name} PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE)
  endforeach()
  set(program_for_scripts ${CMAKE_BINARY_DIR}/emulated/ensgrad)
endif()
foreach(label unit conformance golden physics cli cluster install)
  file(GLOB test_scripts CONFIGURE_DEPENDS tests/${label}/*.sh)
  foreach(script ${test_scripts})
    get_filename_component(name ${script} NAME_WE)
    if(NOT name MATCHES "^test_")
      continue() # needs more than the program: added where that is built
    endif()
    add_test(NAME ${label}.${name} COMMAND sh ${script} ${program_for_scripts}
             WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${label}.${name} PROPERTIES LABELS ${label} SKIP_RETURN_CODE 77 TIMEOUT ${test_seconds})
  endforeach()
endforeach()
add_test(NAME slow.test_bits_each COMMAND sh tests/golden/test_bits.sh ${program_for_scripts} --each
         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(slow.test_bits_each PROPERTIES LABELS slow TIMEOUT 3600)
add_test(NAME slow.slurm_limit COMMAND sh tests/cluster/slurm_limit.sh ${program_for_scripts} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(slow.slurm_limit PROPERTIES LABELS slow TIMEOUT 3600 SKIP_RETURN_CODE 77)
# The longest ones begin first, so that none is left alone at the end. Numbers: about their seconds of one core.
foreach(test golden.test_bits:240 conformance.test_thread_form:50 conformance.test_cuda_bits_backend_concurrent:50
        conformance.test_team_form:40 conformance.test_cuda_faults:30 conformance.test_nvrtc_compile:30
        conformance.test_cuda_bits_backend_steps:25 conformance.test_cuda_bits_backend_statistics:25
        conformance.test_cuda_several:25 cli.test_gallery:25 physics.test_escape_simulated:20 physics.test_until_variables:20)
  string(REPLACE ":" ";" test ${test})
  list(GET test 0 name)
  list(GET test 1 seconds)
  if(TEST ${name})
    set_tests_properties(${name} PROPERTIES COST ${seconds})
  endif()
endforeach()
# What scripts/check_vectorised must refuse: a model that cannot be vector code, compiled like the units.
foreach(isa ${ensgrad_isas})
  if(NOT isa STREQUAL "base")
    file(CONFIGURE OUTPUT ${generated}/unvectorisable_${isa}.c CONTENT
         "#define EG_MODEL_FILE \"unvectorisable.h\"\n#define EG_UNIT_SYMBOL unvectorisable_${isa}\n#define EG_ISA_NAME \"${isa}\"\n#include \"unit_cpu.c\"\n"
         @ONLY)
    add_library(eg_unvectorisable_${isa} OBJECT ${generated}/unvectorisable_${isa}.c)
    target_link_libraries(eg_unvectorisable_${isa} PRIVATE ensgrad_flags)
    target_include_directories(eg_unvectorisable_${isa} PRIVATE tests/conformance)
    target_compile_options(eg_unvectorisable_${isa} PRIVATE ${kernel_flags} ${isa_flags_${isa}})
    set_target_properties(eg_unvectorisable_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()
endforeach()
# Kernels compiled at first use are kept for the next test, and never in the home folder; a fast compilation is enough, as bits
# do not depend on it.
get_property(all_tests DIRECTORY PROPERTY TESTS)
foreach(name ${all_tests})
  get_test_property(${name} ENVIRONMENT environment)
  if(NOT environment MATCHES "ENSGRAD_CACHE=")
    set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT "ENSGRAD_CACHE=${CMAKE_BINARY_DIR}/cache")
  endif()
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT "ENSGRAD_KERNEL_OPT=1")
endforeach()
