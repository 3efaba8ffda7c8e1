# bench/bench_*.c: one program per question asked of speed; bench/peers/: what they are compared with. Nothing here is in
# the default build: `cmake --build build --target bench` builds it all, scripts/bench runs it. Peers that are not
# installed (GSL, XMDS2) are left out and their lines say so.
set(bench_folder ${CMAKE_BINARY_DIR}/bench)
set(peer_flags -O3 -march=native)
add_custom_target(bench)
add_dependencies(bench ensgrad_program)

add_library(bench_measure STATIC EXCLUDE_FROM_ALL bench/measure.c)
target_compile_definitions(bench_measure PUBLIC _GNU_SOURCE BENCH_SOURCE="${CMAKE_SOURCE_DIR}/bench"
                           BENCH_PEERS="${bench_folder}" BENCH_COMPILER="${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}")
target_compile_options(bench_measure PUBLIC -Wall -Wextra)
file(GLOB bench_sources CONFIGURE_DEPENDS bench/bench_*.c)
foreach(source ${bench_sources})
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${name} PRIVATE bench_measure)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${bench_folder})
  add_dependencies(bench ${name})
endforeach()

function(add_peer name source)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  target_compile_options(${name} PRIVATE ${peer_flags})
  target_link_libraries(${name} PRIVATE ${ARGN} m)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${bench_folder})
  add_dependencies(bench ${name})
endfunction()

add_peer(ou_naive bench/peers/ou_naive.c)
add_peer(sgd_naive bench/peers/sgd_naive.c)
add_peer(population_naive bench/peers/population_naive.c)
add_peer(team_naive bench/peers/team_naive.c)
add_peer(stepper_naive bench/peers/stepper_naive.c)
find_package(GSL QUIET)
if(GSL_FOUND)
  add_peer(ou_gsl bench/peers/ou_gsl.c GSL::gsl)
else()
  message(STATUS "benchmarks: no GSL, that peer is left out")
endif()

# XMDS2 generates C++, which is compiled with the options that it uses itself. Its sizes are fixed in the source: each
# form comes with a twin of one step, for the start-up time.
find_program(XMDS2_PROGRAM xmds2)
find_program(XMDS2_COMPILER NAMES g++ c++)
find_path(XMDS2_INCLUDE xpdeint.h PATHS /usr/lib/python3/dist-packages/xpdeint/includes)
function(add_xmds form suffix paths transverse basis steps interval)
  set(name ou_xmds_${form}${suffix})
  configure_file(bench/peers/ou_xmds.xmds.in ${bench_folder}/${name}.xmds @ONLY)
  separate_arguments(hdf5_flags UNIX_COMMAND "${xmds_hdf5_flags}")
  add_custom_command(
    OUTPUT ${bench_folder}/${name}
    COMMAND ${CMAKE_COMMAND} -E env HOME=${bench_folder} ${XMDS2_PROGRAM} -n ${name}.xmds > ${name}.log 2>&1
    COMMAND ${XMDS2_COMPILER} -O3 -ffast-math -funroll-all-loops -fomit-frame-pointer -falign-loops -finline-functions
            -fstrict-aliasing -march=native -w -DHAVE_HDF5_HL -DHAVE_H5LEXISTS -I${XMDS2_INCLUDE} ${name}.cc -o ${name}
            ${hdf5_flags}
    DEPENDS ${bench_folder}/${name}.xmds WORKING_DIRECTORY ${bench_folder} VERBATIM
    COMMENT "XMDS2 peer ${name}")
  add_custom_target(${name}_peer DEPENDS ${bench_folder}/${name})
  add_dependencies(bench ${name}_peer)
endfunction()
if(XMDS2_PROGRAM AND XMDS2_COMPILER AND XMDS2_INCLUDE)
  file(MAKE_DIRECTORY ${bench_folder}/.xmds) # or two of it that start at once both make it, and one fails
  find_program(PKG_CONFIG_PROGRAM pkg-config)
  if(PKG_CONFIG_PROGRAM)
    execute_process(COMMAND ${PKG_CONFIG_PROGRAM} --cflags --libs hdf5 OUTPUT_VARIABLE xmds_hdf5_flags
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  set(xmds_hdf5_flags "${xmds_hdf5_flags} -lhdf5_hl -lhdf5")
  set(lattice "<transverse_dimensions><dimension name=\"j\" type=\"integer\" lattice=\"4096\" domain=\"(0, 4095)\"/></transverse_dimensions>")
  add_xmds(paths "" 16384 "" "" 1000 1.953125)
  add_xmds(paths "_start" 1 "" "" 2 0.00390625)
  add_xmds(lattice "" 8 "${lattice}" "basis=\"j(0)\"" 1000 1.953125)
  add_xmds(lattice "_start" 8 "${lattice}" "basis=\"j(0)\"" 2 0.00390625)
else()
  message(STATUS "benchmarks: no XMDS2, that peer is left out")
endif()
