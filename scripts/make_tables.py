#!/usr/bin/env python3
"""Make the tables of kernels/core/noise_tables.h: 2^b equally likely symmetric atoms with Gaussian moments; needs numpy, mpmath."""
import numpy as np
from statistics import NormalDist
from mpmath import mp, mpf
mp.dps=40
nd=NormalDist()
def dfact(n):
    r=1
    while n>1: r*=n; n-=2
    return r
def build(b,order):
    n=2**(b-1)
    edges=[nd.inv_cdf(0.5+i/(2*n)) for i in range(n)]+[np.inf]
    phi=lambda x: np.exp(-x*x/2)/np.sqrt(2*np.pi) if np.isfinite(x) else 0.0
    x=np.array([(phi(edges[i])-phi(edges[i+1]))*2*n for i in range(n)],dtype=np.longdouble)
    ks=list(range(2,order+1,2))
    for it in range(2000):
        F=np.array([np.mean(x**k)/dfact(k-1)-1 for k in ks],dtype=np.longdouble)
        if np.max(np.abs(F))<1e-17: break
        J=np.array([[k*xi**(k-1)/n/dfact(k-1) for xi in x] for k in ks],dtype=np.float64)
        dx=-np.linalg.lstsq(J,F.astype(np.float64),rcond=None)[0]
        t=1.0 if np.max(np.abs(F))<1e-3 else 0.05
        x=x+t*dx
    assert np.all(np.diff(x)>0) and x[0]>0,(b,order)
    f=x.astype(np.float32)
    def err(f):
        d=f.astype(np.longdouble); return np.array([np.mean(d**k)/dfact(k-1)-1 for k in ks])
    # polish: random moves of a few atoms by a few ulps; the moments are linear in such small moves
    ulp=np.spacing(f).astype(np.float64)
    d=f.astype(np.longdouble)
    S=np.array([np.mean(d**k)/dfact(k-1)-1 for k in ks])
    rng=np.random.default_rng(1)
    L=np.array([[k*float(v)**(k-1)/n/dfact(k-1)*u for v,u in zip(f,ulp)] for k in ks])
    for rounds in range(40):
        M=50000; touched=rng.integers(2,9)
        D=np.zeros((M,n),dtype=np.int8)
        for _ in range(touched): D[np.arange(M),rng.integers(0,n,M)]=rng.integers(-3,4,M)
        T=S.astype(float)[None,:]+D@L.T
        best=np.argmin(np.max(np.abs(T),axis=1))
        if np.max(np.abs(T[best]))<np.max(np.abs(S)):
            f=(f.astype(np.float64)+D[best]*ulp).astype(np.float32)
            d=f.astype(np.longdouble); S=np.array([np.mean(d**k)/dfact(k-1)-1 for k in ks])
            L=np.array([[k*float(v)**(k-1)/n/dfact(k-1)*u for v,u in zip(f,ulp)] for k in ks])
    err=lambda f: S; best=np.max(np.abs(S))
    print(b,order,'max err',float(best),'max atom',f[-1], err(f).astype(float), file=__import__('sys').stderr)
    assert np.all(np.diff(f)>0)
    return f
out=[]
for b,o in ((5,7),(8,9),(10,11)):
    f=build(b,o)
    lines=[]
    vals=['%sf'%float(v).hex() for v in f]
    for i in range(0,len(vals),6): lines.append('    '+', '.join(vals[i:i+6])+',')
    out.append('EG_TABLE float eg_table%d[%d] = {\n%s\n};\n'%(b,len(vals),'\n'.join(lines)))
print('\n'.join(out))
